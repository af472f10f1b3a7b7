import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import {
  type Codec,
  connectCodec,
  deadLetterTopic,
  type ListeningReported,
  type RecordOf,
  toHeaders,
  topics,
} from '@veza/contracts'
import { createHealth } from '@veza/kit/internal'
import { connectKafka, type ConsumedRecord, type Kafka, type Producer } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import {
  freePort,
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  type TestTelemetry,
  testTelemetry,
} from '@veza/kit/testing'
import { migrateStreams } from '@veza/streams/migrate'
import { type AnalyticsDatabase, dailyDigests } from '@veza/streams/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import {
  nameListeners,
  openAnalytics,
  replayAnalytics,
  type ReportArchive,
  type ReportMessage,
} from './index.ts'
import { type AnalyticsTopic } from './projection.ts'
import { countsIn, fixSalts, idOf, messageOf, reportsOf, sumsOf } from './testing/listening.ts'

const log = createLog('test', 'silent')
const waitMs = 40_000
const hour = 3_600_000
/** What the worker reads must be of late: Kafka's clock is not the test's. */
const recently = Math.floor(Date.now() / hour) * hour - hour
const root = join(import.meta.dirname, '..', '..', '..')

let kafka: Kafka
let codec: Codec
let producer: Producer
let telemetry: TestTelemetry

beforeAll(async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  codec = await connectCodec(schemaRegistryUrl)
  kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  telemetry = testTelemetry()
})
afterAll(async () => {
  await kafka.close()
  await telemetry.close()
})

const counts = async () => {
  const fresh = await freshDatabase()
  await migrateStreams(fresh.url)
  const database = openDatabase<AnalyticsDatabase>(fresh.url, { applicationName: 'test', poolSize: 4, log })
  onTestFinished(async () => {
    await database.close()
    await fresh.drop()
  })
  const today = Math.floor(recently / (24 * hour))
  await fixSalts(database.db, [today - 1, today, today + 1])
  const settings = {
    ...{ STREAMS_DATABASE_URL: fresh.url, ANALYTICS_CHUNK: 100 },
    ...{ ANALYTICS_PUBLISH_EVERY: 50, ANALYTICS_SALTS_KEPT: 31 * 24 * hour },
  }
  return { database, settings }
}

/** Topics of one test's own, under the names of the catalogue's records. */
const sources = async () => {
  // A producer asks for all topics that it knows: those of the tests before are gone.
  producer = kafka.producer()
  onTestFinished(() => producer.close())
  const listening = await freshTopic({ prefix: 'listening', partitions: 3 })
  const chat = await freshTopic({ prefix: 'chat', partitions: 3 })
  onTestFinished(async () => {
    await listening.drop()
    await chat.drop()
  })
  return [
    { ...topics.listeningEvents, name: listening.name },
    { ...topics.chatEvents, name: chat.name },
  ] as unknown as readonly [typeof topics.listeningEvents, typeof topics.chatEvents]
}

const run = async (
  settings: Awaited<ReturnType<typeof counts>>['settings'],
  own: readonly AnalyticsTopic[],
  name = freshGroup('analytics'),
) => {
  const fail = (error: unknown) => {
    throw error
  }
  const common = { kafka, codec, health: createHealth(), telemetry, log, fail }
  await kafka.admin.createTopics([{ name: deadLetterTopic(name), partitions: 1, replication: 1, config: {} }])
  onTestFinished(() => kafka.admin.deleteTopics([deadLetterTopic(name)]))
  const worker = await openAnalytics(settings, common, { name, sources: own })
  onTestFinished(() => worker.stop())
  return worker
}

const sendReports = (name: string, reports: readonly ListeningReported[], key?: string) =>
  producer.sendAll(
    reports.map((report) => ({
      topic: name,
      key: key ?? report.trackId,
      value: codec.encode(topics.listeningEvents, 'ListeningReported', report),
      headers: toHeaders({
        ...{ id: randomUUID(), type: 'ListeningReported', source: '/streams', time: report.reportedAt },
      }),
    })),
  )

const sendChat = (name: string, events: readonly RecordOf<typeof topics.chatEvents>[]) =>
  producer.sendAll(
    events.map(({ type, value }) => ({
      topic: name,
      key: value.roomId,
      value: codec.encode(topics.chatEvents, type, value),
      headers: toHeaders({ id: randomUUID(), type, source: '/chat-fanout', time: recently }),
    })),
  )

/**
 * Until `during` has ended no chunk is written; it runs once those that wait for that are as they are to be.
 *
 * @param are gets the names of the connections that wait, one a chunk
 */
const holdHearings = async <T>(
  { pool }: Pick<Database<AnalyticsDatabase>, 'pool'>,
  are: (waiting: readonly string[]) => void,
  first: () => Promise<T>,
  during: (begun: T) => Promise<unknown> = () => Promise.resolve(),
): Promise<T> => {
  const holder = await pool.connect()
  try {
    await holder.query(`begin; set local idle_in_transaction_session_timeout = 0;
      lock table analytics.hearings in exclusive mode`)
    const begun = await first()
    await vi.waitFor(
      async () => {
        const { rows } = await pool.query<{ name: string }>(`
          select application_name as name from pg_stat_activity where datname = current_database()
            and application_name like 'analytics%' and wait_event_type = 'Lock'`)
        are(rows.map(({ name }) => name))
      },
      { timeout: waitMs },
    )
    await during(begun)
    return begun
  } finally {
    await holder.query('rollback')
    holder.release()
  }
}
const areTwo = (waiting: readonly string[]): void => {
  expect(waiting).toHaveLength(2)
}

/** People who each hear some tracks, one after the other. */
const audience = (people: number, tracks: readonly string[]): ListeningReported[] =>
  Array.from({ length: people }, (_, n) =>
    [0, 1, 2].flatMap((nth) =>
      reportsOf({
        ...{ listener: idOf('user', n), track: tracks[(n + nth) % tracks.length] ?? '' },
        ...{ owner: idOf('owne', 1), address: idOf('addr', n), session: n },
        ...{ startedAt: recently + n * 100 + nth * 180_000, seconds: 20 + ((n * 7 + nth) % 60) },
      }),
    ),
  ).flat()

it('counts what comes twice once, in whatever order, and puts aside what it can not read', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  const tracks = [randomUUID(), randomUUID(), randomUUID()]
  const reports = audience(40, tracks)
  await run(settings, own)
  await sendReports(own[0].name, reports.toReversed())
  await producer.send({
    ...{ topic: own[0].name, key: tracks[0] ?? '', value: Buffer.from('no record'), headers: {} },
  })
  await sendReports(own[0].name, [
    { ...(reports[0] as ListeningReported), sessionId: randomUUID() },
    ...reports,
  ])
  const [first] = tracks
  await vi.waitFor(
    async () => {
      const { rows } = await sql<{ n: number }>`
        select coalesce(sum(next_offset), 0)::int as n from analytics.projected_checkpoints
        where topic = ${own[0].name}`.execute(database.db)
      // The poison record has no place among those that were counted; it may have been its partition's last.
      expect(rows[0]?.n).toBeGreaterThanOrEqual(2 * reports.length + 1)
    },
    { timeout: waitMs },
  )
  const heard = new Set(
    reports
      .filter(({ trackId, positionMs }) => trackId === first && positionMs >= 30_000)
      .map(({ listenerId }) => listenerId),
  )
  const sums = await sumsOf(database.db, first ?? '')
  expect(sums).toMatchObject({ plays: heard.size, impossible: 0, overlapping: 0, burst: 0 })
  expect(sums?.['listeners']).toBe(heard.size)
}, 90_000)

it('makes the same by a recount, beside what is counted, by day and by room; older days stay', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  const tracks = [randomUUID(), randomUUID()]
  const name = freshGroup('analytics')
  await run(settings, own, name)
  await sendReports(own[0].name, audience(60, tracks))
  const [room, sender] = [randomUUID(), randomUUID()]
  const posted = (offset: number): RecordOf<typeof topics.chatEvents> => ({
    type: 'MessagePosted',
    value: {
      ...{ roomId: room, epoch: 'e', offset, messageId: randomUUID(), senderId: sender },
      ...{ clientMessageId: String(offset), body: 'hello', postedAt: recently, messageNumber: offset },
      ...{ replyTo: null, threadId: null, mentions: [], trackId: null, trackPositionMs: null },
    },
  })
  // A chunk that the fan-out repeats.
  await sendChat(own[1].name, [posted(1), posted(2), posted(3), posted(2), posted(3), posted(4)])
  await vi.waitFor(
    async () => {
      const { rows } = await sql<{ n: number }>`
        select coalesce(sum(next_offset), 0)::int as n from analytics.projected_checkpoints`.execute(
        database.db,
      )
      expect(rows[0]?.n).toBe(audience(60, tracks).length + 6)
    },
    { timeout: waitMs },
  )
  const { rows: rooms } = await sql`
    select messages::int, reactions::int, people from analytics.room_days where room_id = ${room}`.execute(
    database.db,
  )
  expect(rooms).toEqual([{ messages: 4, reactions: 0, people: 1 }])

  // A day that the topics do not have any more, and a count that nothing tells of: a recount keeps the one, not the other.
  const longAgo = Math.floor(recently / (24 * hour)) - 40
  const lost = randomUUID()
  const before = await countsIn(database.db)
  await sql`
    insert into analytics.track_days (track_id, day, rule, sketch, listeners, plays)
    values (${lost}, ${longAgo}, 1, '\\x01', 0, 7), (${lost}, ${longAgo + 40}, 1, '\\x01', 0, 1000)`.execute(
    database.db,
  )
  const progress = await replayAnalytics(settings, { kafka, codec, log }, { name, sources: own })
  expect(progress.read).toBeGreaterThanOrEqual(progress.total)
  expect(await sumsOf(database.db, lost)).toMatchObject({ plays: 7 })
  await sql`delete from analytics.track_days where track_id = ${lost}`.execute(database.db)
  expect(await countsIn(database.db)).toEqual(before)

  // And goes on from there.
  await sendChat(own[1].name, [posted(5)])
  await vi.waitFor(
    async () => {
      const { rows } = await sql`
        select messages::int from analytics.room_days where room_id = ${room}`.execute(database.db)
      expect(rows).toEqual([{ messages: 5 }])
    },
    { timeout: waitMs },
  )
}, 120_000)

it('recounts the archive first, under the names that listeners have there, then what the topic has after it', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  const reports = audience(40, [randomUUID(), randomUUID(), randomUUID()])
  const half = Math.floor(reports.length / 2)
  await sendReports(own[0].name, reports.slice(0, half))
  const ends = await kafka.admin.endOffsets(own[0].name)
  const archived: ReportMessage[] = []
  const reader = await kafka.consume({
    ...{ groupId: freshGroup(), topics: [own[0].name], fromBeginning: true },
    onChunk: async (records) => {
      const messages = records.flatMap(({ value, partition, offset, timestamp }) => {
        const decoded = codec.decode(topics.listeningEvents, value ?? Buffer.alloc(0))
        return 'value' in decoded ? [messageOf(decoded.value, { partition, offset, timestamp })] : []
      })
      archived.push(...(await nameListeners(dailyDigests(database.db))(messages)))
    },
  })
  onTestFinished(() => reader.stop())
  await vi.waitFor(
    () => {
      expect(archived).toHaveLength(half)
    },
    { timeout: waitMs },
  )
  await reader.stop()
  expect(archived.map(({ value }) => value.listenerId)).not.toContain(reports[0]?.listenerId)
  await sendReports(own[0].name, reports.slice(half))

  const recount = (archive?: ReportArchive) =>
    replayAnalytics(settings, { kafka, codec, log, archive }, { sources: own })
  await recount()
  const ofTopic = await countsIn(database.db)
  let wasRead = 0
  const progress = await recount({
    ...{ firstWholeDay: Math.floor(recently / (24 * hour)) - 1, ends, total: archived.length },
    async *read() {
      await Promise.resolve()
      for (let at = 0; at < archived.length; at += 50) {
        const some = archived.slice(at, at + 50)
        wasRead += some.length
        yield some
      }
    },
  })
  expect([progress.total, wasRead]).toEqual([reports.length, archived.length])
  expect(await countsIn(database.db)).toEqual(ofTopic)
}, 90_000)

it('takes nothing over from counts of another layout', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  await sql`
    insert into analytics.track_days (track_id, day, rule, sketch, listeners, plays)
    values (${randomUUID()}, 1, 1, '\\x01', 0, 7)`.execute(database.db)
  const recount = () => replayAnalytics(settings, { kafka, codec, log, from: recently }, { sources: own })
  await recount()
  expect((await countsIn(database.db))['track_days']).toHaveLength(1)
  await sql`update analytics.projected_model set version = 1`.execute(database.db)
  await recount()
  expect((await countsIn(database.db))['track_days']).toEqual([])
}, 90_000)

it('tells the totals of what changed, the newest last, and again after whoever told them was killed', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  const track = randomUUID()
  const told: RecordOf<typeof topics.trackStats>['value'][] = []
  const tail = await kafka.consume({
    topics: [topics.trackStats.name],
    from: 'end',
    onRecords: (records: ConsumedRecord[]) => {
      for (const { key, value } of records) {
        if (key !== track || value === null) continue
        const decoded = codec.decode(topics.trackStats, value)
        if ('value' in decoded) told.push(decoded.value)
      }
    },
  })
  onTestFinished(() => tail.stop())
  // Noted by a transaction, and told by nobody: whoever did so was killed.
  await sql`
    insert into analytics.track_days (track_id, day, rule, sketch, listeners, plays)
    values (${track}, 1, 1, '\\x01', 0, 5)`.execute(database.db)
  await sql`insert into analytics.track_changes (track_id) values (${track})`.execute(database.db)
  await run(settings, own)
  await vi.waitFor(
    () => {
      expect(told.at(-1)).toMatchObject({ plays: 5, day: '1970-01-02', dayPlays: 5, ownerId: null })
    },
    { timeout: waitMs },
  )
  await sendReports(
    own[0].name,
    reportsOf({
      ...{ listener: idOf('user', 1), track, owner: idOf('owne', 1), startedAt: recently, seconds: 40 },
    }),
  )
  await vi.waitFor(
    () => {
      expect(told.at(-1)).toMatchObject({
        ...{ plays: 6, dayPlays: 1, dayListeners: 1, listenedSeconds: 40, ownerId: idOf('owne', 1) },
        ...{ day: new Date(recently).toISOString().slice(0, 10), ruleVersion: 1, playsApart: 0 },
      })
    },
    { timeout: waitMs },
  )
}, 90_000)

it('counts each report once when one of two chunks fails that are under way, some times', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  const tracks = Array.from({ length: 12 }, () => randomUUID())
  const reports = audience(40, tracks)
  const [failing = ''] = tracks
  // What a sequence gave is not taken back with the transaction.
  await database.pool.query(`
    create sequence failures;
    create function fail_thrice() returns trigger language plpgsql as $$
      begin if nextval('failures') <= 3 then raise 'not now'; end if; return new; end $$;
    create trigger fail_thrice before insert on analytics.hearings for each row
      when (new.track_id = '${failing}') execute function fail_thrice()`)
  await sendReports(own[0].name, reports)
  await holdHearings(database, areTwo, () => run(settings, own))

  const plain = await counts()
  await run({ ...plain.settings, ANALYTICS_CHUNK: 10_000 }, own)
  await vi.waitFor(
    async () => {
      for (const { db } of [database, plain.database]) {
        const { rows } = await sql<{ n: number }>`
          select coalesce(sum(next_offset), 0)::int as n from analytics.projected_checkpoints`.execute(db)
        expect(rows[0]?.n).toBe(reports.length)
      }
    },
    { timeout: waitMs },
  )
  const { rows } = await sql<{ failed: boolean }>`select last_value > 3 as failed from failures`.execute(
    database.db,
  )
  expect(rows).toEqual([{ failed: true }])
  expect(await countsIn(database.db)).toEqual(await countsIn(plain.database.db))
}, 90_000)

it('puts aside a report of a track that has no UUID, and goes on in its partition', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  const name = freshGroup('analytics')
  const letters: ConsumedRecord[] = []
  await run(settings, own, name)
  const dead = await kafka.consume({
    topics: [deadLetterTopic(name)],
    from: 'end',
    onRecords: (records: ConsumedRecord[]) => void letters.push(...records),
  })
  onTestFinished(() => dead.stop())
  const track = randomUUID()
  const [first, ...others] = reportsOf({
    ...{ listener: idOf('user', 1), track, startedAt: recently, seconds: 40 },
  }) as [ListeningReported, ...ListeningReported[]]
  await sendReports(own[0].name, [first, { ...first, trackId: 'no UUID' }, ...others], track)
  await vi.waitFor(
    async () => {
      expect(await sumsOf(database.db, track)).toMatchObject({ plays: 1, seconds: 40 })
      expect(letters.map(({ headers }) => headers['dlq_exception_message']?.toString())).toEqual([
        'the track is no UUID',
      ])
    },
    { timeout: waitMs },
  )
}, 90_000)

it('counts each report once when a process is killed in the middle of two chunks, and then one of two', async () => {
  const { database, settings } = await counts()
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const tracks = Array.from({ length: 20 }, () => randomUUID())
  const reports = audience(300, tracks)
  const env = {
    ...process.env,
    KAFKA_BROKERS: kafkaBrokers.join(','),
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    ...{ ANALYTICS_CHUNK: '200', LOG_LEVEL: 'error' },
  }
  const ports = [await freePort(), await freePort()] as const
  /** By its port it has the place in the group of whoever had it before. */
  const start = async (port: number) => {
    const entry = join(root, 'workers/analytics/src/main.ts')
    const child = spawn(process.execPath, ['--import', 'tsx', entry], {
      ...{ cwd: root, stdio: 'ignore' },
      env: {
        ...{ ...env, INTERNAL_PORT: String(port) },
        STREAMS_DATABASE_URL: `${settings.STREAMS_DATABASE_URL}?application_name=analytics-${port}`,
      },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = once(child, 'exit')
    await vi.waitFor(
      async () => {
        expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
      },
      { timeout: waitMs, interval: 50 },
    )
    return async (signal: 'SIGKILL' | 'SIGTERM') => {
      child.kill(signal)
      await ended
    }
  }
  const own = await sources()
  const send = (part: number) =>
    sendReports(
      topics.listeningEvents.name,
      reports.filter((_, n) => n % 3 === part),
    )
  // What is there when a process begins comes of all partitions at once.
  await send(0)
  await holdHearings(
    database,
    areTwo,
    () => start(ports[0]),
    (kill) => kill('SIGKILL'),
  )
  const [first, second] = await Promise.all(ports.map(start))
  await holdHearings(
    database,
    (waiting) => {
      expect(new Set(waiting).size).toBe(2)
    },
    () => send(1),
    () => Promise.resolve(second?.('SIGKILL')),
  )
  const third = await start(ports[1])
  await send(2)

  // The same reports, once, in one go.
  const plain = await counts()
  await sendReports(own[0].name, reports)
  await run({ ...plain.settings, ANALYTICS_CHUNK: 10_000 }, own)
  const sumsIn = async (of: typeof database) => {
    const { hearings = [], ...sums } = await countsIn(of.db, 'analytics', tracks)
    // The topics have different numbers of partitions.
    return { hearings: hearings.length, ...sums }
  }
  await vi.waitFor(
    async () => {
      const { rows } = await sql<{ n: number }>`
        select coalesce(sum(next_offset), 0)::int as n from analytics.projected_checkpoints`.execute(
        plain.database.db,
      )
      expect(rows[0]?.n).toBe(reports.length)
      expect(await sumsIn(database)).toEqual(await sumsIn(plain.database))
    },
    { timeout: waitMs },
  )
  await Promise.all([first?.('SIGTERM'), third('SIGTERM')])
}, 180_000)
