import { createRequire } from 'node:module'
import { type ConsumedRecord } from './types.ts'

/** The part of kafkajs' Decoder that is used here. */
interface Decoder {
  readInt32(): number
  canReadBytes(length: number): boolean
  readBytes(length: number): Buffer
}

/** What kafkajs keeps of a transaction that was aborted. */
interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

/** What kafkajs' filter of aborted transactions reads of a record's batch. */
interface BatchContext {
  readonly producerId: string
  readonly inTransaction: boolean
}

interface Codec {
  decompress(bytes: Buffer): Promise<Buffer>
}

const require = createRequire(import.meta.url)
const { lookupCodecByAttributes } = require('kafkajs/src/protocol/message/compression/index.js') as {
  lookupCodecByAttributes: (attributes: number) => Codec | null
}
const withoutAborted = require('kafkajs/src/consumer/filterAbortedMessages.js') as (given: {
  messages: FetchedRecord[]
  abortedTransactions: readonly AbortedTransaction[]
}) => FetchedRecord[]

/** Reads varints, one after the other. */
class Cursor {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
  }

  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw new RangeError('a record ends within a number')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
  }

  skip(): void {
    const length = this.varint()
    this.at += Math.max(0, length)
  }

  /** Reads a text and says whether it is this one, of ASCII. */
  isText(text: string): boolean {
    const length = this.varint()
    const start = this.at
    this.at += length
    if (length !== text.length) return false
    for (let index = 0; index < length; index++)
      if (this.bytes[start + index] !== text.charCodeAt(index)) return false
    return true
  }

  /** As a view of the bytes, no copy. */
  chunk(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.at
    this.at += length
    if (this.at > this.bytes.length) throw new RangeError('a record ends within a field')
    return this.bytes.subarray(start, this.at)
  }
}

/**
 * A record of a fetch. Its headers are read when they are asked for: most readers want none, or one, and a header costs
 * as much as the rest of the record.
 */
export class FetchedRecord implements ConsumedRecord {
  topic = ''
  partition = 0
  readonly offset: number
  readonly timestamp: number
  readonly keyBytes: Buffer | null
  readonly value: Buffer | null
  readonly isControlRecord: boolean
  readonly batchContext: BatchContext
  readonly #bytes: Buffer
  readonly #headersAt: number
  #key: string | null | undefined
  #headers: Readonly<Record<string, Buffer | undefined>> | undefined

  constructor(cursor: Cursor, batch: BatchHead) {
    cursor.at++
    const timestampDelta = cursor.varint()
    this.offset = batch.firstOffset + cursor.varint()
    this.timestamp = batch.timestamp ?? batch.firstTimestamp + timestampDelta
    this.keyBytes = cursor.chunk()
    this.value = cursor.chunk()
    this.isControlRecord = batch.isControl
    this.batchContext = batch
    this.#bytes = cursor.bytes
    this.#headersAt = cursor.at
  }

  get key(): string | null {
    if (this.#key === undefined) this.#key = this.keyBytes === null ? null : this.keyBytes.toString()
    return this.#key
  }

  /** One header, without a look at the values of the others. */
  header(name: string): Buffer | undefined {
    const cursor = new Cursor(this.#bytes, this.#headersAt)
    let found: Buffer | undefined
    for (let count = cursor.varint(); count > 0; count--) {
      const isIt = cursor.isText(name)
      if (isIt) found = cursor.chunk() ?? undefined
      else cursor.skip()
    }
    return found
  }

  get headers(): Readonly<Record<string, Buffer | undefined>> {
    this.#headers ??= readHeaders(new Cursor(this.#bytes, this.#headersAt))
    return this.#headers
  }
}

function readHeaders(cursor: Cursor): Record<string, Buffer | undefined> {
  // Without a prototype: names come from whoever wrote the record, `__proto__` and `constructor` among them.
  const headers = Object.create(null) as Record<string, Buffer | undefined>
  for (let count = cursor.varint(); count > 0; count--) {
    const length = cursor.varint()
    const name = cursor.bytes.toString('utf8', cursor.at, (cursor.at += length))
    headers[name] = cursor.chunk() ?? undefined
  }
  return headers
}

interface BatchHead extends BatchContext {
  readonly firstOffset: number
  readonly firstTimestamp: number
  /** Of all of its records, where the broker writes it (LogAppendTime). */
  readonly timestamp: number | undefined
  readonly isControl: boolean
}

/** From the first offset to the number of records. */
const headBytes = 61
const magic = 2
const logAppendTime = 0x08
const transactional = 0x10
const control = 0x20

const readInt64 = (bytes: Buffer, at: number): number =>
  bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)

/** Record batches of format version 2 (Kafka protocol guide, "Record Batch"); the last may be cut off, and comes again. */
async function readBatches(bytes: Buffer): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = []
  for (let at = 0; at + headBytes <= bytes.length;) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (bytes[at + 16] !== magic) throw new Error(`a record batch of format ${String(bytes[at + 16])}`)
    if (end > bytes.length) break
    const attributes = bytes.readInt16BE(at + 21)
    const head: BatchHead = {
      firstOffset: readInt64(bytes, at),
      firstTimestamp: readInt64(bytes, at + 27),
      timestamp: (attributes & logAppendTime) === 0 ? undefined : readInt64(bytes, at + 35),
      producerId: bytes.readBigInt64BE(at + 43).toString(),
      inTransaction: (attributes & transactional) !== 0,
      isControl: (attributes & control) !== 0,
    }
    const count = bytes.readInt32BE(at + 57)
    const body = bytes.subarray(at + headBytes, end)
    const codec = lookupCodecByAttributes(attributes)
    const cursor = new Cursor(codec === null ? body : await codec.decompress(body), 0)
    for (let n = 0; n < count; n++) {
      const next = cursor.varint() + cursor.at
      records.push(new FetchedRecord(cursor, head))
      cursor.at = next
    }
    at = end
  }
  return records
}

/** In the place of kafkajs' decoder of a partition's share of a fetch. */
export function decodeMessages(decoder: Decoder): Promise<FetchedRecord[]> {
  const size = decoder.readInt32()
  if (size <= 0 || !decoder.canReadBytes(size)) return Promise.resolve([])
  return readBatches(decoder.readBytes(size))
}

/** In the place of kafkajs' Batch, with its surface; offsets outside of records are decimal strings there. */
export class FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly fetchedOffset: string
  readonly highWatermark: string
  readonly rawMessages: FetchedRecord[]
  readonly messagesWithinOffset: FetchedRecord[]
  readonly messages: FetchedRecord[]

  constructor(
    topic: string,
    fetchedOffset: string,
    data: {
      readonly partition: number
      readonly highWatermark: string
      readonly abortedTransactions?: readonly AbortedTransaction[]
      readonly messages: FetchedRecord[]
    },
  ) {
    const { partition, highWatermark, abortedTransactions = [], messages } = data
    this.topic = topic
    this.partition = partition
    this.fetchedOffset = fetchedOffset
    this.highWatermark = highWatermark
    this.rawMessages = messages
    const from = Number(fetchedOffset)
    // A broker answers by whole batches, so the first of them may begin before what was asked for.
    this.messagesWithinOffset = messages.filter(({ offset }) => offset >= from)
    const visible =
      abortedTransactions.length === 0
        ? this.messagesWithinOffset
        : withoutAborted({ messages: this.messagesWithinOffset, abortedTransactions })
    this.messages = visible.filter(({ isControlRecord }) => !isControlRecord)
    for (const record of this.messages) {
      record.topic = topic
      record.partition = partition
    }
  }

  isEmpty(): boolean {
    return this.messages.length === 0
  }

  isEmptyIncludingFiltered(): boolean {
    return this.messagesWithinOffset.length === 0
  }

  isEmptyDueToFiltering(): boolean {
    return this.isEmpty() && this.rawMessages.length > 0
  }

  isEmptyControlRecord(): boolean {
    return this.isEmpty() && this.messagesWithinOffset.some(({ isControlRecord }) => isControlRecord)
  }

  isEmptyDueToLogCompactedMessages(): boolean {
    return this.rawMessages.length > 0 && this.isEmptyIncludingFiltered()
  }

  firstOffset(): string | null {
    const [first] = this.messagesWithinOffset
    return first === undefined ? null : String(first.offset)
  }

  lastOffset(): string {
    if (this.isEmptyDueToLogCompactedMessages()) return this.fetchedOffset
    const last = this.messagesWithinOffset.at(-1)
    return String(last === undefined ? Number(this.highWatermark) - 1 : last.offset)
  }

  offsetLag(): string {
    return String(Number(this.highWatermark) - 1 - Number(this.lastOffset()))
  }

  offsetLagLow(): string {
    const first = this.firstOffset()
    return first === null ? '0' : String(Number(this.highWatermark) - 1 - Number(first))
  }
}
