import { join } from 'node:path'
import { type Codec, type RecordName, type Topic } from '@veza/contracts'
import { type ConsumedRecord, type Kafka, readRanges } from '@veza/kit/kafka'
import { decodeChunk } from '@veza/kit/worker'
import { missingOf, readSegments, removeUnfinished, type Segment, type Span } from './parquet/segments.ts'
import { openParquetWriter, type ParquetWriter } from './parquet/writer.ts'
import { LockHeld, takeLock } from '../local/lock.ts'

/** A record that was read. */
export interface Read {
  readonly type: RecordName
  readonly value: object
  readonly record: ConsumedRecord
}

/** How far an export is. */
export interface ExportProgress {
  readonly read: number
  readonly total: number
  readonly files: number
}

export interface ExportOptions {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly topic: Topic
  /** Offsets by partition, in order. */
  readonly from: readonly number[]
  readonly to: readonly number[]
  /** The files are in a folder of the topic's name in this one. */
  readonly out: string
  /** Records that wait in memory before they are written: what a file can be large, and what a kill loses. Default 250,000. */
  readonly batch?: number
  /** What is written in the place of records, in order. */
  readonly change?: (records: readonly Read[]) => Promise<readonly Read[]>
  readonly onProgress?: (progress: ExportProgress) => void
  /** Ends it after what was read is written. */
  readonly signal?: AbortSignal | undefined
}

/** What an export has done. */
export interface Exported {
  readonly rows: number
  readonly files: number
  /** Records that are in no file, by the reason. */
  readonly leftOut: Readonly<Record<string, number>>
  /** False when it was told to end before. */
  readonly complete: boolean
}

/** The folder of a topic's files. */
export const exportFolder = (out: string, topic: Topic): string => join(out, topic.name)

const sum = (spans: readonly (Span | undefined)[]): number =>
  spans.reduce((total, span) => total + (span ? span.to - span.from : 0), 0)

const readChunk = async (
  { codec, topic, change }: ExportOptions,
  writer: ParquetWriter,
  records: readonly ConsumedRecord[],
): Promise<void> => {
  const values = records.filter(({ value }) => value !== null)
  const { messages, poison } = await decodeChunk(codec, new Map([[topic.name, topic]]), values)
  const changed: readonly Read[] = change ? await change(messages) : messages
  const decoded = new Map(changed.map((one) => [one.record, one]))
  const refused = new Map(poison.map(({ record, error }) => [record, error.message]))
  for (const record of records) writer.add(record, decoded.get(record), refused.get(record))
}

/** One span of each partition. Resolves to what was written. */
const exportSpans = async (
  options: ExportOptions,
  spans: readonly (Span | undefined)[],
  onRead: (records: number, files: number) => void,
): Promise<Segment[]> => {
  const { kafka, topic, out, batch = 250_000, signal } = options
  const [from, to] = [spans.map((span) => span?.from ?? 0), spans.map((span) => span?.to ?? 0)]
  const writer = await openParquetWriter(exportFolder(out, topic), topic, from)
  const written: Segment[] = []
  const flush = async (): Promise<void> => {
    const segments = await writer.flush()
    written.push(...segments)
    onRead(
      0,
      segments.reduce((files, segment) => files + segment.files.length, 0),
    )
  }
  try {
    await readRanges(kafka, {
      ...{ topic: topic.name, from, to, signal },
      async onChunk(records) {
        await readChunk(options, writer, records)
        onRead(records.length, 0)
        if (writer.waiting >= batch) await flush()
      },
    })
    // A compacted topic's last offsets may have no records.
    if (signal?.aborted !== true)
      to.forEach((end, partition) => {
        writer.reached(partition, end)
      })
    await flush()
    return written
  } finally {
    writer.close()
  }
}

/**
 * Writes a topic's records from offsets to offsets as Parquet files, once each: what a run before this one has written is
 * left out, what one that was killed has left is deleted. Rejects when another export writes to the folder.
 */
export const exportTopic = async (options: ExportOptions): Promise<Exported> => {
  const { topic, from, to, out, onProgress, signal } = options
  const folder = exportFolder(out, topic)
  const lock = await takeLock(join(folder, '_lock')).catch((error: unknown) => {
    if (error instanceof LockHeld)
      throw new Error(`process ${error.pid} is exporting to ${folder}`, { cause: error })
    throw error
  })
  try {
    removeUnfinished(folder)
    const segments = readSegments(folder)
    const missing = from.map((first, partition) =>
      missingOf(
        { from: first, to: to[partition] ?? first },
        segments.filter((segment) => segment.partition === partition),
      ),
    )
    const total = missing.reduce((records, spans) => records + sum(spans), 0)
    const written: Segment[] = []
    let [read, files] = [0, 0]
    const rounds = Math.max(0, ...missing.map((spans) => spans.length))
    for (let round = 0; round < rounds && signal?.aborted !== true; round++)
      written.push(
        ...(await exportSpans(
          options,
          missing.map((spans) => spans[round]),
          (more, moreFiles) => {
            read += more
            files += moreFiles
            onProgress?.({ read, total, files })
          },
        )),
      )
    const leftOut: Record<string, number> = {}
    for (const segment of written)
      for (const [reason, count] of Object.entries(segment.leftOut))
        leftOut[reason] = (leftOut[reason] ?? 0) + count
    const rows = written.reduce((all, segment) => all + segment.rows, 0)
    return { rows, files, leftOut, complete: signal?.aborted !== true }
  } finally {
    lock.release()
  }
}
