import { type Json } from '../protocol/replies.ts'

// What an entry costs besides its text: the slot, the string's header.
const entryOverheadBytes = 48

/** The data of a room's last publications, dense. */
export interface Ring {
  /** Offset of the first entry; meaningless while it is empty. */
  first: number
  entries: Json[]
  /** An estimate: characters and overhead. */
  bytes: number
}

export const createRing = (): Ring => ({ first: 0, entries: [], bytes: 0 })

const sizeOf = (data: Json): number => data.length + entryOverheadBytes

/** Drops everything. */
export const clearRing = (ring: Ring): void => {
  ring.entries = []
  ring.bytes = 0
}

// Dropping one by one would move the whole array each time.
const slack = 64

/**
 * Appends what follows the last entry; beyond `limit` the oldest go, a few at a time.
 *
 * @returns the growth in bytes, negative when more was dropped than added
 */
export const pushRing = (ring: Ring, offset: number, data: Json, limit: number): number => {
  const before = ring.bytes
  if (ring.entries.length === 0) ring.first = offset
  ring.entries.push(data)
  ring.bytes += sizeOf(data)
  if (ring.entries.length > limit + slack) {
    const dropped = ring.entries.splice(0, ring.entries.length - limit)
    ring.first += dropped.length
    for (const entry of dropped) ring.bytes -= sizeOf(entry)
  }
  return ring.bytes - before
}

/**
 * Puts something else in the place of entries.
 *
 * @returns the growth in bytes
 */
export const rewriteRing = (ring: Ring, rewrite: (data: Json) => Json): number => {
  const before = ring.bytes
  ring.entries = ring.entries.map((entry) => {
    const next = rewrite(entry)
    ring.bytes += next.length - entry.length
    return next
  })
  return ring.bytes - before
}

/** The entries after `offset`, or undefined when it holds only some of them. `head` is the room's last offset. */
export const readRing = (ring: Ring, offset: number, head: number): Json[] | undefined => {
  if (offset === head) return []
  if (ring.entries.length === 0 || ring.first > offset + 1) return undefined
  return ring.entries.slice(offset + 1 - ring.first)
}
