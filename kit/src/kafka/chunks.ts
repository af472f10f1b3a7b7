import { type ConsumedRecord } from './types.ts'

/** What one partition delivered and how much of it has been taken into chunks. */
export interface Backlog {
  readonly records: readonly ConsumedRecord[]
  /** Index of the first record that no chunk has taken. */
  taken: number
}

export interface ChunkLimits {
  readonly maxRecords: number
  readonly maxBytes: number
}

const bytesOf = (record: ConsumedRecord): number => (record.key?.length ?? 0) + (record.value?.length ?? 0)

/**
 * The next chunk: an equal share of every partition first, so that none waits behind another's backlog, then whatever
 * fits. Records of a partition stay in order; at least one record is taken if there is any.
 */
export function takeChunk(backlogs: readonly Backlog[], limits: ChunkLimits): ConsumedRecord[] {
  const chunk: ConsumedRecord[] = []
  let bytes = 0

  function take(backlog: Backlog, most: number): void {
    for (let n = 0; n < most && chunk.length < limits.maxRecords; n++) {
      const record = backlog.records[backlog.taken]
      if (!record) return
      const size = bytesOf(record)
      if (chunk.length > 0 && bytes + size > limits.maxBytes) return
      chunk.push(record)
      bytes += size
      backlog.taken++
    }
  }

  const share = Math.max(1, Math.floor(limits.maxRecords / Math.max(1, backlogs.length)))
  for (const backlog of backlogs) take(backlog, share)
  for (const backlog of backlogs) take(backlog, limits.maxRecords)
  return chunk
}
