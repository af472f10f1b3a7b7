import { murmur2 } from './murmur2.ts'
import { type OutgoingRecord } from './types.ts'

/**
 * A record as it will lie in its batch, from its key on: what comes before (length, attributes, deltas) depends on its
 * place. The bytes are `slab[start..end)`: many records share a slab, so that one costs no buffer of its own.
 */
export interface EncodedRecord {
  readonly topic: string
  readonly slab: Buffer
  readonly start: number
  readonly end: number
  /** Its key's hash: decides the partition, and never changes, however often the record is sent. */
  readonly hash: number
  /** kafkajs refuses messages in which this is undefined; it reads nothing else of them. */
  readonly value: null
}

/** Encodes records. Those that are encoded one after the other lie one after the other. */
export interface RecordEncoder {
  encode(record: OutgoingRecord): EncodedRecord
}

const slabBytes = 256 * 1024
const maxVarint = 5
// ASCII up to here is copied faster by a loop than by a call into the runtime.
const shortText = 64

const zigZag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1)

export function sizeOfVarint(value: number): number {
  let size = 1
  for (let rest = zigZag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}

/** Writes at an offset and returns the one behind. */
export function putVarint(target: Buffer, at: number, value: number): number {
  let rest = zigZag(value)
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[at++] = (rest % 0x80) | 0x80
  target[at++] = rest
  return at
}

/** False when the text is not ASCII; what was written by then is garbage. */
function putAscii(target: Buffer, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return false
    target[at + index] = code
  }
  return true
}

function putBytes(target: Buffer, at: number, value: Buffer | string | null): number {
  if (value === null) return putVarint(target, at, -1)
  if (typeof value !== 'string') {
    const start = putVarint(target, at, value.length)
    target.set(value, start)
    return start + value.length
  }
  // Below it a length is a varint of one byte.
  if (value.length < shortText && putAscii(target, at + 1, value)) {
    target[at] = value.length * 2
    return at + 1 + value.length
  }
  const start = putVarint(target, at, Buffer.byteLength(value))
  return start + target.write(value, start)
}

/** No less than the bytes of the value and its length. */
const mostBytes = (value: Buffer | string | null): number =>
  maxVarint + (value === null ? 0 : typeof value === 'string' ? 3 * value.length : value.length)

/** @returns an encoder with a slab of its own */
export function createRecordEncoder(): RecordEncoder {
  let slab = Buffer.alloc(0)
  let at = 0
  let keyless = 0
  // Keys come again: rooms, users.
  const hashes = new Map<string, number>()
  const maxHashes = 10_000

  const hashOf = (key: Buffer | string | null): number => {
    if (key === null) return keyless++
    if (typeof key !== 'string') return murmur2(key)
    const known = hashes.get(key)
    if (known !== undefined) return known
    if (hashes.size >= maxHashes) hashes.clear()
    const hash = murmur2(Buffer.from(key))
    hashes.set(key, hash)
    return hash
  }

  return {
    encode({ topic, key, value, headers }) {
      let count = 0
      let most = mostBytes(key) + mostBytes(value) + maxVarint
      for (const name in headers) {
        count++
        most += mostBytes(name) + mostBytes(headers[name] ?? null)
      }
      if (at + most > slab.length) {
        slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, most))
        at = 0
      }
      const start = at
      at = putBytes(slab, at, key)
      at = putBytes(slab, at, value)
      at = putVarint(slab, at, count)
      for (const name in headers) {
        at = putBytes(slab, at, name)
        at = putBytes(slab, at, headers[name] ?? null)
      }
      return { topic, slab, start, end: at, hash: hashOf(key), value: null }
    },
  }
}
