import { mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type RecordName, type Topic } from '@veza/contracts'
import { newestVersion } from '@veza/contracts/catalogue'
import { type ConsumedRecord } from '@veza/kit/kafka'
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { NotExportable, type Shape, shapeOf } from './columns.ts'
import { type Segment, spanName, writeSegment } from './segments.ts'

const dayMs = 86_400_000
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Rows of one type that wait to be written. */
interface Table {
  readonly record: RecordName
  readonly shape: Shape
  readonly appender: DuckDBAppender
  /** Rows by partition and day. */
  readonly held: Map<string, { readonly partition: number; readonly day: number; rows: number }>
}

/** Of one partition, since the last flush. */
interface Open {
  readonly from: number
  to: number
  rows: number
  leftOut: Record<string, number>
  firstAt: number | null
  lastAt: number | null
}

/** Writes records as Parquet files: `record=<Record>/date=<YYYY-MM-DD>/p<partition>-<first>-<next>.parquet`. */
export interface ParquetWriter {
  /** Records since the last flush. */
  readonly waiting: number
  /** Takes a record. `message` is undefined for what is left out, for a reason. */
  add(record: ConsumedRecord, message: { type: RecordName; value: object } | undefined, reason?: string): void
  /** Of a partition everything before this offset was given, though there were no records at the end. */
  reached(partition: number, offset: number): void
  /** Writes what waits, as one segment a partition. */
  flush(): Promise<Segment[]>
  close(): void
}

/**
 * Rows wait in memory and are written by DuckDB in one go, so memory is that of what waits. A file has its name when it is
 * whole, and a segment names it when all files of the segment have.
 *
 * @param starts the first offset of each partition, in order
 */
export const openParquetWriter = async (
  folder: string,
  topic: Topic,
  starts: readonly number[],
): Promise<ParquetWriter> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection: DuckDBConnection = await instance.connect()
  const tables = new Map<RecordName, Table>()
  for (const record of topic.records) await openTable(record)
  let open = new Map<number, Open>()
  const next = [...starts]
  let waiting = 0

  async function openTable(record: RecordName): Promise<void> {
    const shape = shapeOf(record)
    const columns = shape.columns.map(({ name, kind }) => `${quoted(name)} ${kind.held.toString()}`)
    await connection.run(`create or replace table ${quoted(record)} (${columns.join(', ')})`)
    const appender = await connection.createAppender(record)
    tables.set(record, { record, shape, appender, held: new Map() })
  }

  const partOf = (partition: number): Open => {
    const known = open.get(partition)
    if (known) return known
    const from = next[partition] ?? 0
    const fresh: Open = { from, to: from, rows: 0, leftOut: {}, firstAt: null, lastAt: null }
    open.set(partition, fresh)
    return fresh
  }

  const leaveOut = (part: Open, reason: string): void => {
    part.leftOut[reason] = (part.leftOut[reason] ?? 0) + 1
  }

  /** The rows of one partition and day as a file. @returns its path below the folder */
  async function writeFile(
    { record, shape }: Table,
    place: { partition: number; day: number },
  ): Promise<string> {
    const { partition, day } = place
    const { from, to } = partOf(partition)
    const date = new Date(day * dayMs).toISOString().slice(0, 10)
    const path = join(`record=${record}`, `date=${date}`, `${spanName({ partition, from, to })}.parquet`)
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    const columns = shape.columns.map(({ name, kind }) => `${kind.keep(quoted(name))} as ${quoted(name)}`)
    const metadata = `{topic: ${literal(topic.name)}, record: ${literal(record)}, 'parquet.avro.schema': ${literal(newestVersion(record).text)}}`
    await connection.run(`
      copy (
        select ${columns.join(', ')} from ${quoted(record)}
        where kafka_partition = ${partition} and kafka_timestamp >= ${day * dayMs} and kafka_timestamp < ${(day + 1) * dayMs}
        order by kafka_offset
      ) to ${literal(`${file}.part`)} (format parquet, compression zstd, kv_metadata ${metadata})`)
    renameSync(`${file}.part`, file)
    return path
  }

  return {
    get waiting() {
      return waiting
    },
    add(record, message, reason = 'tombstone') {
      const { partition, offset, timestamp } = record
      const part = partOf(partition)
      part.to = offset + 1
      waiting++
      const table = message && tables.get(message.type)
      if (!message || !table) {
        leaveOut(part, reason)
        return
      }
      try {
        table.shape.append(table.appender, record, message.value)
      } catch (error) {
        if (!(error instanceof NotExportable)) throw error
        leaveOut(part, error.message)
        return
      }
      const day = Math.floor(timestamp / dayMs)
      const key = `${partition}/${day}`
      const held = table.held.get(key) ?? { partition, day, rows: 0 }
      held.rows++
      table.held.set(key, held)
      part.rows++
      part.firstAt = Math.min(part.firstAt ?? timestamp, timestamp)
      part.lastAt = Math.max(part.lastAt ?? timestamp, timestamp)
    },
    reached(partition, offset) {
      if (offset <= (open.get(partition)?.to ?? next[partition] ?? 0)) return
      partOf(partition).to = offset
    },
    async flush() {
      const files = new Map<number, string[]>()
      for (const table of tables.values()) {
        if (table.held.size === 0) continue
        table.appender.closeSync()
        for (const place of table.held.values())
          files.set(place.partition, [...(files.get(place.partition) ?? []), await writeFile(table, place)])
        await openTable(table.record)
      }
      const segments = [...open].map(([partition, part]): Segment => {
        return { partition, ...part, files: files.get(partition) ?? [] }
      })
      for (const segment of segments) {
        writeSegment(folder, segment)
        next[segment.partition] = segment.to
      }
      open = new Map()
      waiting = 0
      return segments
    },
    close() {
      for (const { appender } of tables.values()) appender.closeSync()
      connection.closeSync()
      instance.closeSync()
    },
  }
}
