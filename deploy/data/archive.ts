import { join } from 'node:path'
import { nameListeners, type ReportArchive, type ReportMessage } from '@veza/analytics'
import { type ListeningReported, topics, type Topic } from '@veza/contracts'
import { newestVersion } from '@veza/contracts/catalogue'
import { readEnv, url } from '@veza/kit/env'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { type AnalyticsDatabase, dailyDigests } from '@veza/streams/store'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Command, UsageError } from '../ops/command.ts'
import { countOf, offsetsOf, readArguments } from './arguments.ts'
import { tellExported, tellProgress } from './export.ts'
import { exportFolder, exportTopic, type ExportOptions } from './export-topic.ts'
import { readSegments, type Segment } from './parquet/segments.ts'
import { withSource } from './source.ts'

const dayMs = 86_400_000
const archived = topics.listeningEvents
const chunkRows = 10_000

const isReport = (message: { readonly type: string }): message is ReportMessage =>
  message.type === 'ListeningReported'

/** Reports with their listeners named by the day, as `change` of an export. */
export const namingListeners =
  (name: ReturnType<typeof nameListeners>): NonNullable<ExportOptions['change']> =>
  (records) =>
    name(records.filter(isReport))

/** Writes what listening.events.v1 holds to its archive. */
export const archiveCommand: Command = {
  name: 'archive',
  args: '--out DIR [--batch N]',
  doc: `${archived.name} to its archive, from where the archive ends; listeners under names of a day. To be run daily`,
  async run(args, io) {
    const { values, positionals } = readArguments(args, {
      out: { type: 'string' },
      batch: { type: 'string', default: '250000' },
    })
    if (positionals.length > 0) throw new UsageError(`options only, not ${positionals.join(' ')}`)
    const { out } = values
    if (out === undefined) throw new UsageError('--out names the folder of the archive')
    const batch = countOf('--batch', values.batch)
    const postgres = { schemes: ['postgres', 'postgresql'] } as const
    const { STREAMS_DATABASE_URL: database } = readEnv(
      { STREAMS_DATABASE_URL: url("streams' PostgreSQL database", undefined, postgres) },
      io.env,
    )
    return withSource(io.env, archived, async ({ kafka, codec, ranges }) => {
      const { db, close } = openDatabase<AnalyticsDatabase>(database, {
        ...{ applicationName: 'archive', poolSize: 1, log: createLog('data', 'fatal') },
      })
      try {
        const exported = await exportTopic({
          ...{ kafka, codec, topic: archived, out, batch, signal: io.signal },
          change: namingListeners(nameListeners(dailyDigests(db))),
          from: await offsetsOf(kafka.admin, archived, ranges, { kind: 'beginning' }),
          to: await offsetsOf(kafka.admin, archived, ranges, { kind: 'end' }),
          onProgress: tellProgress(io.warn),
        })
        return tellExported(io, exportFolder(out, archived), exported)
      } finally {
        await close()
      }
    })
  },
}

/** @throws Error when a partition's segments do not follow on each other: records between them are in neither */
const assertWhole = (folder: string, segments: readonly Segment[]): void => {
  segments.forEach(({ partition, from }, index) => {
    const before = segments[index - 1]
    if (before?.partition === partition && before.to !== from)
      throw new Error(`${folder} lacks records ${before.to} to ${from - 1} of partition ${partition}`)
  })
}

/** What an older version of the record did not have yet. */
const defaultsOf = (): Readonly<Record<string, unknown>> => {
  const { fields } = JSON.parse(newestVersion('ListeningReported').text) as {
    fields: readonly { readonly name: string; readonly default?: unknown }[]
  }
  return Object.fromEntries(
    fields.flatMap((field) => ('default' in field ? [[field.name, field.default]] : [])),
  )
}

type Row = Readonly<Record<string, string | number | bigint | null>>

const numberIn = (value: Row[string] | undefined): number => Number(value ?? 0)

/**
 * The archive in a folder, for a replay.
 *
 * @param topic that it is of
 * @throws Error when there is none, or it has a hole
 */
export const openArchive = (out: string, topic: Topic = archived): ReportArchive => {
  const folder = exportFolder(out, topic)
  const segments = readSegments(folder)
  if (segments.length === 0) throw new Error(`there is no archive of ${topic.name} below ${out}`)
  assertWhole(folder, segments)
  const ends = Array.from({ length: topic.partitions }, (_, partition) =>
    Math.max(0, ...segments.filter((segment) => segment.partition === partition).map(({ to }) => to)),
  )
  const firstAt = Math.min(...segments.flatMap((segment) => segment.firstAt ?? []))
  const isFromBeginning = segments.every(
    ({ partition, from }, index) => segments[index - 1]?.partition === partition || from === 0,
  )
  const defaults = defaultsOf()

  async function* read(): AsyncGenerator<readonly ReportMessage[]> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    try {
      for (const { files } of segments) {
        if (files.length === 0) continue
        const paths = files.map((file) => `'${join(folder, file).replaceAll("'", "''")}'`).join(', ')
        // Days of a segment interleave around midnight.
        const result = await connection.stream(`
          select * exclude (record, date) replace (
            epoch_ms(kafka_timestamp) as kafka_timestamp, epoch_ms("reportedAt") as "reportedAt")
          from read_parquet([${paths}], hive_partitioning = true) order by kafka_offset`)
        let waiting: ReportMessage[] = []
        for await (const rows of result.yieldRowObjectJs()) {
          waiting.push(...(rows as Row[]).map(toMessage))
          if (waiting.length < chunkRows) continue
          yield waiting
          waiting = []
        }
        if (waiting.length > 0) yield waiting
      }
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  }

  function toMessage(row: Row): ReportMessage {
    const { kafka_partition, kafka_offset, kafka_timestamp, kafka_key, ce_id, ...columns } = row
    const fields = Object.entries(columns).map(([name, value]) => {
      return [name, typeof value === 'bigint' ? Number(value) : value] as const
    })
    return {
      ...{ type: 'ListeningReported', id: String(ce_id), traceparent: undefined },
      value: { ...defaults, ...Object.fromEntries(fields) } as unknown as ListeningReported,
      record: {
        ...{ topic: topic.name, partition: numberIn(kafka_partition), offset: numberIn(kafka_offset) },
        ...{ timestamp: numberIn(kafka_timestamp), key: kafka_key === null ? null : String(kafka_key) },
        ...{ value: null, headers: {} },
      },
    }
  }

  return {
    firstWholeDay: Math.floor(firstAt / dayMs) + (isFromBeginning ? 0 : 1),
    ...{ ends, read },
    total: segments.reduce((sum, { rows }) => sum + rows, 0),
  }
}
