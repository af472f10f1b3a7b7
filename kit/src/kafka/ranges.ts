import { randomUUID } from 'node:crypto'
import { pause } from './timing.ts'
import { type ConsumedRecord, type Kafka } from './types.ts'

/** What is to be read of one topic. */
export interface ReadRanges {
  readonly topic: string
  /** The offset to begin at, by partition in order. */
  readonly from: readonly number[]
  /** The offset to end before, by partition in order; left out: goes on until the signal. At most the partition's end. */
  readonly to?: readonly number[]
  /** Within the ranges, each partition's records in order. Awaited before more is fetched: what is read waits in memory. */
  readonly onChunk: (records: readonly ConsumedRecord[]) => void | Promise<void>
  /** Default 5,000. */
  readonly maxChunkRecords?: number
  /** Ends the reading, without a rejection. */
  readonly signal?: AbortSignal | undefined
}

const pollMs = 10

/**
 * Reads partitions from one offset to another, once, under a group of its own that is deleted afterwards. Rejects with what
 * `onChunk` rejects with.
 */
export const readRanges = async (kafka: Kafka, options: ReadRanges): Promise<void> => {
  const { topic, from, to, onChunk, maxChunkRecords = 5_000, signal } = options
  const next = [...from]
  const isOver = (): boolean =>
    to !== undefined && to.every((end, partition) => (next[partition] ?? 0) >= end)
  const isEnding = (): boolean => signal?.aborted ?? false
  if (isOver() || isEnding()) return
  const groupId = `ranges-${randomUUID()}`
  const failure: { error?: unknown } = {}
  const consumer = await kafka.consume({
    ...{ groupId, topics: [topic], fromBeginning: true, startAt: { [topic]: from }, maxChunkRecords },
    maxChunkBytes: 8 * 1024 * 1024,
    async onChunk(records) {
      if ('error' in failure || isEnding()) return
      const wanted = records.filter(
        ({ partition, offset }) =>
          offset >= (next[partition] ?? 0) && (to === undefined || offset < (to[partition] ?? 0)),
      )
      try {
        if (wanted.length > 0) await onChunk(wanted)
        for (const { partition, offset } of records)
          next[partition] = Math.max(next[partition] ?? 0, offset + 1)
      } catch (error) {
        failure.error = error
      }
    },
  })
  try {
    while (!isOver() && !('error' in failure) && !isEnding()) await pause(pollMs, signal)
  } finally {
    await consumer.stop()
    await kafka.admin.deleteGroups([groupId]).catch(() => undefined)
  }
  if ('error' in failure) throw failure.error
}
