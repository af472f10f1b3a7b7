import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { deadLetterTopic, type ListeningReported, type RecordOf, topics } from '@veza/contracts'
import { type ConsumedRecord } from '@veza/kit/kafka'
import { type Database } from '@veza/kit/postgres'
import { freePort, freshGroup, infrastructure } from '@veza/kit/testing'
import { type AnalyticsDatabase } from '@veza/streams/store'
import { sql } from 'kysely'
import { expect, it, onTestFinished, vi } from 'vitest'
import {
  audience,
  codec,
  counts,
  hooks,
  kafka,
  producer,
  recently,
  run,
  sendReports,
  sources,
  waitMs,
} from './testing/analytics-under-test.ts'
import { countsIn, idOf, reportsOf, sumsOf } from './testing/listening.ts'

hooks()

const root = join(import.meta.dirname, '..', '..', '..')

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
