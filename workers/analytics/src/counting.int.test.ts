import { type ListeningReported } from '@veza/contracts'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { createModel } from '@veza/kit/projection'
import { type FreshDatabase, freshDatabase } from '@veza/kit/testing'
import { migrateStreams } from '@veza/streams/migrate'
import {
  type AnalyticsDatabase,
  analyticsModel,
  dailyDigests,
  type DailyDigests,
  playRule,
} from '@veza/streams/store'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { applyListening } from './apply-listening.ts'
import { forgetOld } from './forget.ts'
import {
  countsIn,
  fixSalts,
  idOf,
  type Listening,
  messageOf,
  reportsOf,
  sessionOf,
  sumsOf,
} from './testing/listening.ts'

const log = createLog('test', 'silent')
const noon = Date.parse('2026-11-24T12:00:00Z')
const minute = 60_000
const hour = 60 * minute
const [ana, ben] = [idOf('user', 1), idOf('user', 2)]

let fresh: FreshDatabase
let database: Database<AnalyticsDatabase>
let salts: DailyDigests
let models = 0
let late = 0

beforeAll(async () => {
  fresh = await freshDatabase()
  await migrateStreams(fresh.url)
  database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 6, log })
  await fixSalts(database.db, [Math.floor(noon / (24 * hour))])
  salts = dailyDigests(database.db)
})
afterAll(async () => {
  await database.close()
  await fresh.drop()
})

/** A model of one test's own, and what takes chunks into it. */
const freshCounts = async (rule = playRule) => {
  const schema = `counts_${++models}`
  await createModel(database.db, analyticsModel, schema)
  const apply = applyListening({ rule, salts, onLate: (n) => (late += n) })
  const take = (reports: readonly ListeningReported[], place: Parameters<typeof messageOf>[1] = {}) =>
    database.db.transaction().execute((trx) =>
      apply(
        trx,
        schema,
        reports.map((report) => messageOf(report, place)),
      ),
    )
  const listen = (listening: Partial<Listening>) =>
    take(reportsOf({ listener: ana, track: idOf('trac', 1), startedAt: noon, seconds: 40, ...listening }))
  return { schema, take, listen, sums: (n = 1) => sumsOf(database.db, idOf('trac', n), schema) }
}

describe('a play', () => {
  it.each([
    [29, 240_000, 0],
    [30, 240_000, 1],
    [19, 40_000, 0],
    [20, 40_000, 1],
    [30, 0, 1],
  ])('of %i s of a track of %i ms: %i', async (seconds, durationMs, plays) => {
    const { listen, sums } = await freshCounts()
    await listen({ seconds, durationMs })
    expect(await sums()).toMatchObject({ plays, seconds, listeners: plays })
  })

  it('counts once an hour a listener', async () => {
    const { listen, sums } = await freshCounts()
    await listen({})
    await listen({ startedAt: noon + 10 * minute })
    expect(await sums()).toMatchObject({ plays: 1, listeners: 1 })
    await listen({ startedAt: noon + hour })
    await listen({ listener: ben })
    expect(await sums()).toMatchObject({ plays: 3, seconds: 120, listeners: 2 })
  })

  it('is counted when its report comes a day late, and not when it comes later than the rule has it', async () => {
    const { take, sums } = await freshCounts()
    const reports = reportsOf({ listener: ana, track: idOf('trac', 1), startedAt: noon, seconds: 40 })
    await take(reports, { timestamp: noon + 49 * hour })
    expect(late).toBe(reports.length)
    expect(await sums()).toMatchObject({ plays: null })
    await take(reports.slice(0, 2))
    await take(reports.slice(2), { timestamp: noon + 24 * hour })
    expect(await sums()).toMatchObject({ plays: 1, seconds: 40 })
  })

  it('leaves nobody known: another day, another name', async () => {
    const { schema, listen } = await freshCounts()
    await listen({})
    await listen({ startedAt: noon + 24 * hour })
    const { rows } = await sql<{ listener: string }>`
      select listener from ${sql.id(schema, 'hearings')}`.execute(database.db)
    expect(new Set(rows.map(({ listener }) => listener)).size).toBe(2)
    expect(JSON.stringify(rows)).not.toContain(ana)
  })
})

describe('what is counted apart', () => {
  it('is heard faster than can be', async () => {
    const { take, sums } = await freshCounts()
    const claimed = reportsOf({ listener: ana, track: idOf('trac', 1), startedAt: noon, seconds: 100 })
    await take(claimed.map((report, n) => ({ ...report, reportedAt: noon + n * 100 })))
    expect(await sums()).toMatchObject({ plays: 0, impossible: 1, seconds: 0, listeners: 0 })
  })

  it('lies beyond the end', async () => {
    const { listen, sums } = await freshCounts()
    await listen({ seconds: 100, durationMs: 60_000 })
    expect(await sums()).toMatchObject({ plays: 0, impossible: 1 })
  })

  it('is heard side by side by one listener: all of it, also what was counted before', async () => {
    const { listen, sums } = await freshCounts()
    for (let n = 1; n <= 5; n++) await listen({ track: idOf('trac', n), startedAt: noon + n })
    expect(await sums(1)).toMatchObject({ plays: 1, overlapping: 0, listeners: 1, seconds: 40 })
    await listen({ track: idOf('trac', 6), startedAt: noon + 6 })
    for (let n = 1; n <= 6; n++)
      expect(await sums(n)).toMatchObject({ plays: 0, overlapping: 1, listeners: 0, seconds: 0 })
  })

  it('comes in a burst from one address', async () => {
    const { take, listen, sums } = await freshCounts({
      ...playRule,
      apart: { ...playRule.apart, addressPlays: 10 },
    })
    const burst = Array.from({ length: 10 }, (_, n) =>
      reportsOf({
        ...{ listener: idOf('user', n + 10), track: idOf('trac', 1), startedAt: noon + n, seconds: 40 },
        address: idOf('addr', 1),
      }),
    )
    await take(burst.flat())
    await listen({ listener: ben, address: idOf('addr', 2) })
    expect(await sums()).toMatchObject({ plays: 11, burst: 0, listeners: 11 })
    await listen({ address: idOf('addr', 1) })
    expect(await sums()).toMatchObject({ plays: 1, burst: 11, listeners: 1 })
  })
})

it('does not wait in a circle when chunks of two partitions draw in hearings of each other', async () => {
  const { schema, take, listen } = await freshCounts()
  const from = (n: number) => idOf('addr', n)
  for (let n = 1; n <= 5; n++) await listen({ track: idOf('trac', n), startedAt: noon + n })
  await listen({ listener: ben, track: idOf('trac', 9), address: from(9) })
  const more = reportsOf({ listener: ana, track: idOf('trac', 1), startedAt: noon + 1, seconds: 50 })
  const seventh = {
    listener: ana,
    track: idOf('trac', 7),
    startedAt: noon + 7,
    seconds: 40,
    address: from(9),
  }
  const sixth = { listener: ana, track: idOf('trac', 6), startedAt: noon + 6, seconds: 40 }

  const waiting = async (what: string, number: number) => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from pg_locks where not granted and locktype = ${what}
        and (database is null or database = (select oid from pg_database where datname = current_database()))`.execute(
      database.db,
    )
    expect(rows[0]?.n).toBe(number)
  }
  const holder = await database.pool.connect()
  await holder.query('begin')
  await holder.query(`select from ${schema}.paces where kind = 'address' for update`)
  // Has a hearing, and waits for a pace of its network; what it adds to the listener's comes after.
  const one = take([...more, ...reportsOf(seventh)], { partition: 1 })
  await vi.waitFor(() => waiting('transactionid', 1))
  // Goes past the listener's limit, and would have that hearing.
  const other = take(reportsOf(sixth), { partition: 0 })
  await vi.waitFor(() => waiting('advisory', 1))
  await holder.query('commit')
  holder.release()
  await Promise.all([one, other])

  const plain = await freshCounts()
  for (let n = 1; n <= 5; n++) await plain.listen({ track: idOf('trac', n), startedAt: noon + n })
  await plain.listen({ listener: ben, track: idOf('trac', 9), address: from(9) })
  await plain.take([...more, ...reportsOf(seventh)], { partition: 1 })
  await plain.take(reportsOf(sixth), { partition: 0 })
  expect(await countsIn(database.db, schema)).toEqual(await countsIn(database.db, plain.schema))
  expect(await sumsOf(database.db, idOf('trac', 1), schema)).toMatchObject({ plays: 0, overlapping: 1 })
})

const listening = fc.record({
  listener: fc.nat(2).map((n) => idOf('user', n)),
  track: fc.nat(5).map((n) => idOf('trac', n)),
  owner: fc.constant(idOf('owne', 1)),
  startedAt: fc.nat(90).map((seconds) => noon - 30_000 + seconds * 1000),
  seconds: fc.integer({ min: 10, max: 50 }),
  durationMs: fc.constantFrom(0, 20_000, 240_000),
  address: fc.option(
    fc.nat(2).map((n) => idOf('addr', n)),
    { nil: undefined },
  ),
  session: fc.nat(3),
  hurry: fc.constantFrom(1, 1, 1, 20),
})

it('gives the same, whatever the order, however often, in whichever chunks', async () => {
  const rule = { ...playRule, apart: { ...playRule.apart, listenerPlaySeconds: 60, addressPlays: 2 } }
  let apart = 0
  let clean = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(listening, { minLength: 1, maxLength: 14 }),
      fc.infiniteStream(fc.nat(1_000_000)),
      fc.integer({ min: 1, max: 30 }),
      async (listenings, random, chunk) => {
        // A track's length does not change with who hears it.
        const lengths = new Map(listenings.map(({ track, durationMs }) => [track, durationMs]))
        const reports = listenings.flatMap(({ hurry, ...one }) =>
          reportsOf({ ...one, durationMs: lengths.get(one.track) ?? 0 }).map((report) => ({
            ...report,
            reportedAt: one.startedAt + Math.floor((report.reportedAt - one.startedAt) / hurry),
          })),
        )
        const plain = await freshCounts(rule)
        await plain.take(reports)
        const mixed = await freshCounts(rule)
        const again = [...reports, ...reports.filter((_, n) => n % 3 === 0)]
          .map((report) => ({ report, at: Number(random.next().value) }))
          .sort((one, other) => one.at - other.at)
          .map(({ report }) => report)
        for (let at = 0; at < again.length; at += chunk) await mixed.take(again.slice(at, at + chunk))
        const counts = await countsIn(database.db, plain.schema)
        expect(await countsIn(database.db, mixed.schema)).toEqual(counts)
        for (const row of counts['hearings'] ?? []) {
          const reasons = Number(/(\d)\)$/.exec(row)?.[1])
          apart |= reasons
          if (reasons === 0) clean++
        }
        for (const { schema } of [plain, mixed])
          await sql`drop schema ${sql.id(schema)} cascade`.execute(database.db)
      },
    ),
    { seed: 11, numRuns: 25 },
  )
  // The case would prove little if nothing of it had ever been apart.
  expect([apart, clean > 0]).toEqual([7, true])
}, 120_000)

it('forgets what nothing late can change any more, in whole days, and salts with the events', async () => {
  const { schema, take, listen, sums } = await freshCounts()
  await listen({ startedAt: noon - 72 * hour })
  await listen({ startedAt: noon - 30 * hour })
  await listen({})
  await sql`insert into ${sql.id(schema, 'watermarks')} values ('t', 0, ${noon})`.execute(database.db)
  const forget = forgetOld({
    ...{ db: database.db, rule: playRule, salts, saltsKeptMs: 48 * hour, topic: 't', schema },
    now: () => new Date(noon),
  })
  expect(await forget()).toBe(1)
  const counts = await countsIn(database.db, schema)
  expect([counts['hearings'], counts['paces']].map((rows) => rows?.length)).toEqual([2, 2])
  expect(await sums()).toMatchObject({ plays: 3 })
  await expect(take([], {})).resolves.toBeUndefined()
  const { rows } = await sql<{ day: number }>`select day from salts order by day`.execute(database.db)
  expect(rows[0]?.day).toBe(Math.floor((noon - 48 * hour) / (24 * hour)) + 1)
  expect(sessionOf(noon)).toHaveLength(36)
})
