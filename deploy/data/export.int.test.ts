import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Codec, connectCodec, type ListeningReported, toHeaders, topics } from '@veza/contracts'
import { connectKafka, type Kafka, type OutgoingRecord } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { freshTopic, infrastructure } from '@veza/kit/testing'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { UsageError } from '../ops/command.ts'
import { exportCommand } from './export.ts'
import { exportFolder, type ExportOptions, type ExportProgress, exportTopic } from './export-topic.ts'
import { readSegments } from './parquet/segments.ts'

const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
const midnight = Date.UTC(2026, 10, 24)
let kafka: Kafka
let codec: Codec

beforeAll(async () => {
  codec = await connectCodec(schemaRegistryUrl)
  kafka = connectKafka(kafkaBrokers, { clientId: 'test', log: createLog('test', 'silent') })
})
afterAll(() => kafka.close())

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'veza-export-'))
  onTestFinished(() => {
    rmSync(path, { recursive: true })
  })
  return path
}

/** Rows of a query, as JSON has them. */
const query = async (sql: string): Promise<Record<string, unknown>[]> => {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** A topic of one's own that carries what one of the catalogue does. */
const like = async <T extends (typeof topics)[keyof typeof topics]>(of: T, partitions: number) => {
  const fresh = await freshTopic({ prefix: 'export', partitions })
  const producer = kafka.producer()
  onTestFinished(async () => {
    await producer.close()
    await fresh.drop()
  })
  const topic = { ...of, name: fresh.name, partitions }
  const write = (records: readonly Omit<OutgoingRecord, 'topic' | 'headers'>[]) =>
    producer.sendAll(
      records.map((record, n) => ({
        ...{ ...record, topic: topic.name },
        headers: toHeaders({ id: `id-${n}`, type: 'Test', source: '/test', time: midnight }),
      })),
    )
  return { topic, write }
}

const report = (n: number): ListeningReported => ({
  ...{ trackId: randomUUID(), sessionId: randomUUID(), listenerId: randomUUID(), state: 'playing' },
  ...{ positionMs: n, reportedAt: midnight + n, durationMs: 1_000 },
  ...{ ownerId: n % 2 === 0 ? randomUUID() : null, addressTag: null },
})

const all = async (options: Pick<ExportOptions, 'topic' | 'out'> & Partial<ExportOptions>) => {
  const ranges = await kafka.admin.offsetRanges(options.topic.name)
  return exportTopic({
    ...{ kafka, codec, from: ranges.map(({ first }) => first), to: ranges.map(({ end }) => end) },
    ...options,
  })
}

it('keeps types, lists, nulls and bytes; leaves out tombstones and what is no record, and says so', async () => {
  const { topic, write } = await like(topics.tracksEvents, 1)
  const [playlistId, one, other, by] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  const changed = { playlistId, ownerId: by, actorId: by, trackIds: [one, other], changedAt: midnight + 123 }
  const ready = {
    ...{ trackId: one, ownerId: by, recipe: 2, durationMs: 2 ** 40, loudness: -14.25, truePeak: null },
    ...{ gain: 0.5, media: 'media/x/', readyAt: midnight, again: true },
  }
  const encode = (type: 'PlaylistTracksChanged' | 'TrackReady', value: object): Buffer =>
    codec.encode(topics.tracksEvents, type, value as never)
  await write([
    { key: playlistId, value: encode('PlaylistTracksChanged', changed) },
    { key: null, value: encode('TrackReady', ready) },
    { key: one, value: null },
    { key: one, value: Buffer.from('nothing') },
    { key: one, value: encode('TrackReady', { ...ready, trackId: 'no uuid' }) },
    { key: playlistId, value: encode('PlaylistTracksChanged', { ...changed, trackIds: [] }) },
  ])
  const out = folder()
  const exported = await all({ topic, out })
  expect(exported).toEqual({
    ...{ rows: 3, files: 2, complete: true },
    leftOut: { tombstone: 1, 'first byte is 110, not 0': 1, 'no UUID: no uuid': 1 },
  })

  const files = (record: string): string => `'${exportFolder(out, topic)}/record=${record}/*/*.parquet'`
  expect(
    await query(`select * from read_parquet(${files('PlaylistTracksChanged')}) order by kafka_offset`),
  ).toMatchObject([
    {
      kafka_partition: 0,
      kafka_offset: '0',
      kafka_key: playlistId,
      ce_id: 'id-0',
      playlistId,
      trackIds: [one, other],
    },
    {
      kafka_offset: '5',
      trackIds: [],
      changedAt: '2026-11-24 00:00:00.123',
      record: 'PlaylistTracksChanged',
    },
  ])
  expect(await query(`select * from read_parquet(${files('TrackReady')})`)).toMatchObject([
    {
      kafka_key: null,
      trackId: one,
      durationMs: String(2 ** 40),
      loudness: -14.25,
      truePeak: null,
      again: true,
    },
  ])
  const types = await query(`describe select * from read_parquet(${files('PlaylistTracksChanged')})`)
  expect(Object.fromEntries(types.map((row) => [row['column_name'], row['column_type']]))).toMatchObject({
    ...{ playlistId: 'UUID', trackIds: 'UUID[]', changedAt: 'TIMESTAMP', kafka_timestamp: 'TIMESTAMP' },
    ...{ kafka_offset: 'BIGINT', kafka_partition: 'INTEGER' },
  })
  const [metadata] = await query(
    `select decode(value) as schema from parquet_kv_metadata(${files('TrackReady')}) where decode(key) = 'parquet.avro.schema'`,
  )
  expect(JSON.parse(String(metadata?.['schema']))).toMatchObject({ name: 'TrackReady' })
})

it('goes on where one before ended or was killed, writes each record once, and by days', async () => {
  const { topic, write } = await like(topics.listeningEvents, 3)
  const encode = (n: number) => codec.encode(topics.listeningEvents, 'ListeningReported', report(n))
  await write(Array.from({ length: 500 }, (_, n) => ({ key: `key-${n}`, value: encode(n) })))
  const out = folder()
  const below = exportFolder(out, topic)
  const ends = await kafka.admin.endOffsets(topic.name)

  // A middle first, so that there are two holes; then one that is told to end early.
  const middle = await all({ topic, out, from: ends.map(() => 50), to: ends.map(() => 60) })
  expect(middle).toMatchObject({ rows: 30, files: 3, complete: true })
  const ending = new AbortController()
  const stopped = await all({
    ...{ topic, out, batch: 50, signal: ending.signal },
    onProgress: ({ files }) => {
      if (files > 0) ending.abort()
    },
  })
  expect(stopped.complete).toBe(false)
  expect(stopped.rows).toBeLessThan(470)
  // As one leaves them that is killed: a whole file that no segment names, and half a file.
  writeFileSync(join(below, 'p9-000000000000-000000000001.parquet'), '')
  writeFileSync(join(below, 'half.parquet.part'), '')

  const told: ExportProgress[] = []
  const rest = await all({ topic, out, onProgress: (progress) => void told.push(progress) })
  expect(middle.rows + stopped.rows + rest.rows).toBe(500)
  expect(told.at(-1)).toMatchObject({ read: rest.rows, total: rest.rows, files: rest.files })
  expect(await all({ topic, out })).toEqual({ rows: 0, files: 0, leftOut: {}, complete: true })

  await write([{ key: 'late', value: encode(1) }])
  expect(await all({ topic, out })).toMatchObject({ rows: 1, files: 1 })
  const [sums] = await query(
    `select count(*) as n, count(distinct (kafka_partition, kafka_offset)) as places, count(distinct date) as days
     from read_parquet('${below}/record=*/date=*/*.parquet', hive_partitioning = true)`,
  )
  expect(sums).toMatchObject({ n: '501', places: '501' })
  expect(readdirSync(below, { recursive: true }).filter((path) => String(path).endsWith('.part'))).toEqual([])
  for (const partition of [0, 1, 2]) {
    const spans = readSegments(below).filter((segment) => segment.partition === partition)
    spans.forEach(({ from }, index) => {
      expect(from).toBe(index === 0 ? 0 : spans[index - 1]?.to)
    })
  }
})

it('lets one at a time write to a folder', async () => {
  const { topic, write } = await like(topics.listeningEvents, 1)
  const value = codec.encode(topics.listeningEvents, 'ListeningReported', report(1))
  await write([{ key: 'a', value }])
  const out = folder()
  let enter = (): void => undefined
  let leave = (): void => undefined
  const entered = new Promise<void>((resolve) => (enter = resolve))
  const left = new Promise<void>((resolve) => (leave = resolve))
  const change = async <T>(records: T): Promise<T> => {
    enter()
    await left
    return records
  }
  const during = all({ topic, out, change })
  await Promise.race([entered, during])
  await expect(all({ topic, out })).rejects.toThrow(/^process \d+ is exporting to /)
  leave()
  expect((await during).rows).toBe(1)
})

it.each([
  [[], 'which topic?'],
  [['--topic', topics.mediaTranscode.name], '--out names the folder'],
  [['--topic', topics.chatFanoutDeadLetters.name, '--out', 'x'], 'has no columns'],
  [['--topic', topics.mediaTranscode.name, '--out', 'x', '--batch', '0'], '--batch is no whole number'],
  [[topics.mediaTranscode.name], 'options only'],
])('export is not called with %j', async (args, message) => {
  const io = { env: {}, print: () => undefined, warn: () => undefined }
  const error = await exportCommand.run(args, io).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect((error as Error).message).toContain(message)
})
