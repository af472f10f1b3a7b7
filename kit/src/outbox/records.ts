import { toHeaders } from '@veza/contracts'
import { type OutgoingRecord } from '../kafka/index.ts'

/** An event on its way out, as the relay reads it. Numbers beyond 2^53 stay text. */
export interface OutboxRow {
  readonly transaction_id: string
  readonly position: string
  readonly event_id: string
  readonly stream: string
  readonly version: string
  readonly type: string
  readonly payload: Buffer
  readonly topic: string
  readonly key: string
  readonly traceparent: string | null
  readonly recorded_at: Date
  /** How old it was when it was read, by the database's clock. */
  readonly age_ms: number
}

/** @param source ce_source: `/` and the context's name */
export const outgoingRecord = (row: OutboxRow, source: string): OutgoingRecord => ({
  topic: row.topic,
  key: row.key,
  value: row.payload,
  headers: toHeaders({
    id: row.event_id,
    type: row.type,
    source,
    time: row.recorded_at,
    subject: row.stream,
    sequence: Number(row.version),
    traceparent: row.traceparent ?? undefined,
  }),
})

/** What is produced at once, in one request: what comes later is not sent before this is acknowledged. */
export interface Slice {
  readonly rows: OutboxRow[]
  readonly records: OutgoingRecord[]
}

// CloudEvents attributes, a stream of 200 characters, a traceparent, and what the record format adds.
const headerBytes = 1_500

/** Cuts rows, in order, into slices of at most so many bytes; each has one record at least. */
export const slices = (rows: readonly OutboxRow[], source: string, maxBytes: number): Slice[] => {
  const cut: Slice[] = []
  let bytes = 0
  for (const row of rows) {
    const record = outgoingRecord(row, source)
    const size = row.payload.length + Buffer.byteLength(row.key) + headerBytes
    let slice = cut.at(-1)
    if (slice === undefined || bytes + size > maxBytes) {
      slice = { rows: [], records: [] }
      cut.push(slice)
      bytes = 0
    }
    slice.rows.push(row)
    slice.records.push(record)
    bytes += size
  }
  return cut
}
