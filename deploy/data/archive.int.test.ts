import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nameListeners, replayAnalytics } from '@veza/analytics'
import { connectCodec, type ListeningReported, toHeaders, topics } from '@veza/contracts'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { freshDatabase, freshTopic, infrastructure } from '@veza/kit/testing'
import { migrateStreams } from '@veza/streams/migrate'
import { type AnalyticsDatabase, dailyDigests } from '@veza/streams/store'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { archiveCommand, namingListeners, openArchive } from './archive.ts'
import { exportFolder, exportTopic } from './export-topic.ts'
import { readSegments, spanName } from './parquet/segments.ts'

const log = createLog('test', 'silent')
const hour = 3_600_000
const partitions = 3
/** Kafka's clock is not the test's: an hour that is all of today, or of yesterday. */
const startedAt = Math.floor(Date.now() / hour) * hour - hour

const sessionOf = (at: number, n: number): string => {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`
}

const owner = randomUUID()

/** Everybody hears every track for 40 seconds, so that each of them is a play. */
const reportsOf = (listeners: readonly string[], tracks: readonly string[]): ListeningReported[] =>
  [0, 10, 20, 30, 40].flatMap((position) =>
    listeners.flatMap((listenerId, n) =>
      tracks.map((trackId, nth) => ({
        ...{ trackId, listenerId, sessionId: sessionOf(startedAt + nth * 120_000, n) },
        ...{ positionMs: position * 1_000, state: 'playing', durationMs: 180_000 },
        reportedAt: startedAt + nth * 120_000 + position * 1_000,
        ...{ ownerId: nth === 0 ? null : owner, addressTag: null },
      })),
    ),
  )

const counted = ['hearings', 'paces', 'track_hours', 'track_days', 'day_listeners'] as const

it('a recount from the archive and the topic equals one from the topic, and nobody is named in the archive', async () => {
  const openedOn = Math.floor(Date.now() / (24 * hour))
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  const [listening, chat] = await Promise.all([freshTopic({ partitions }), freshTopic({ partitions })])
  const fresh = await freshDatabase()
  await migrateStreams(fresh.url)
  const { db, close } = openDatabase<AnalyticsDatabase>(fresh.url, {
    ...{ applicationName: 'test', poolSize: 4, log },
  })
  const client = new pg.Client({ connectionString: fresh.url })
  await client.connect()
  const out = mkdtempSync(join(tmpdir(), 'veza-archive-'))
  onTestFinished(async () => {
    await client.end()
    await close()
    await kafka.close()
    await Promise.all([listening.drop(), chat.drop(), fresh.drop()])
    rmSync(out, { recursive: true })
  })
  const topic = { ...topics.listeningEvents, name: listening.name, partitions }
  const sources = [topic, { ...topics.chatEvents, name: chat.name }] as unknown as readonly [
    typeof topics.listeningEvents,
    typeof topics.chatEvents,
  ]
  const [listeners, tracks] = [
    Array.from({ length: 30 }, () => randomUUID()),
    Array.from({ length: 4 }, () => randomUUID()),
  ]
  const reports = reportsOf(listeners, tracks)
  const write = (some: readonly ListeningReported[]) =>
    kafka.producer().sendAll(
      some.map((report) => ({
        ...{ topic: topic.name, key: report.trackId },
        value: codec.encode(topics.listeningEvents, 'ListeningReported', report),
        headers: toHeaders({
          ...{ id: randomUUID(), type: 'ListeningReported', source: '/streams', time: startedAt },
        }),
      })),
    )
  const archive = async () => {
    const ends = await kafka.admin.endOffsets(topic.name)
    return exportTopic({
      ...{ kafka, codec, topic, out, from: ends.map(() => 0), to: ends, batch: 100 },
      change: namingListeners(nameListeners(dailyDigests(db))),
    })
  }
  const settings = { STREAMS_DATABASE_URL: fresh.url, ANALYTICS_CHUNK: 50 }
  const recount = (options: object = {}) =>
    replayAnalytics(settings, { kafka, codec, log, from: startedAt, ...options }, { sources })
  const counts = async () =>
    Promise.all(
      counted.map(async (table) => {
        const { rows } = await client.query<{ row: string }>(
          `select t::text as row from analytics.${table} as t order by 1`,
        )
        return [table, rows.map(({ row }) => row)]
      }),
    )

  // Archived in two goes, in the middle of what somebody hears; the last of it is in the topic alone.
  await write(reports.slice(0, 200))
  expect(await archive()).toMatchObject({ rows: 200, complete: true })
  await write(reports.slice(200, 450))
  expect(await archive()).toMatchObject({ rows: 250 })
  await write(reports.slice(450))

  expect(await recount()).toEqual({ read: reports.length, total: reports.length })
  const fromTopic = await counts()
  const { rows } = await client.query('select sum(plays)::int as plays from analytics.track_days')
  expect(rows).toEqual([{ plays: listeners.length * tracks.length }])

  const opened = openArchive(out, topic)
  expect(opened.total).toBe(450)
  expect([openedOn, Math.floor(Date.now() / (24 * hour))]).toContain(opened.firstWholeDay)
  let archived = 0
  for await (const messages of opened.read())
    for (const { value } of messages) {
      archived++
      expect(listeners).not.toContain(value.listenerId)
    }
  expect(archived).toBe(450)
  await client.query('delete from analytics.hearings')
  expect(await recount({ archive: opened })).toEqual({ read: reports.length, total: reports.length })
  expect(await counts()).toEqual(fromTopic)

  // Once all is archived and the salts are deleted nobody can name the listeners, and the counts are the same still.
  await archive()
  await dailyDigests(db).forget(1_000_000)
  const whole = openArchive(out, topic)
  expect(whole.total).toBe(reports.length)
  expect(await recount({ archive: whole })).toEqual({ read: reports.length, total: reports.length })
  expect(await counts()).toEqual(fromTopic)

  // A hole is no archive.
  const folder = exportFolder(out, topic)
  const inner = readSegments(folder).find(
    ({ partition }, index, all) =>
      all[index - 1]?.partition === partition && all[index + 1]?.partition === partition,
  )
  if (!inner) throw new Error('there are three segments of a partition')
  rmSync(join(folder, '_segments', `${spanName(inner)}.json`))
  expect(() => openArchive(out, topic)).toThrow(
    `lacks records ${inner.from} to ${inner.to - 1} of partition ${inner.partition}`,
  )
  expect(() => openArchive(out, { ...topic, name: 'another.v1' })).toThrow(
    'there is no archive of another.v1',
  )
}, 90_000)

it('archive says how it is called', async () => {
  const io = { env: {}, print: () => undefined, warn: () => undefined }
  await expect(archiveCommand.run([], io)).rejects.toThrow('--out names the folder')
  await expect(archiveCommand.run(['--out', 'x'], io)).rejects.toThrow('STREAMS_DATABASE_URL is missing')
})
