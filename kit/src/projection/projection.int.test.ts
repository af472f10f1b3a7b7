import { connectCodec, type Codec, deadLetterTopic } from '@veza/contracts'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { createEventStore, type EventStore, eventStore } from '../events/index.ts'
import { createHealth } from '../internal/index.ts'
import { type Kafka, connectKafka } from '../kafka/index.ts'
import { createLog } from '../log/index.ts'
import { runRelay } from '../outbox/index.ts'
import { type Database, migrate, openDatabase } from '../postgres/index.ts'
import {
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  testEvent,
  testTelemetry,
  testTopic,
  type TestTelemetry,
  type TestTopic,
} from '../testing/index.ts'
import { type HostedWorker } from '../worker/index.ts'
import { hasReached, type Projection, replay, type ReplayProgress, runProjection } from './index.ts'

interface Tables {
  totals: { name: string; total: number; events: number }
}

const waiting = { timeout: 40_000, interval: 20 }
const log = createLog('test', 'silent')
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

let codec: Codec
let kafka: Kafka
let telemetry: TestTelemetry
let database: Database<Tables>
let store: EventStore<TestTopic>
let totals: Projection<TestTopic, Tables>
let workers: HostedWorker[]
let relay: ReturnType<typeof runRelay>

beforeAll(async () => {
  codec = await connectCodec(infrastructure().schemaRegistryUrl)
  kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: 'test', log })
  telemetry = testTelemetry()
})

afterAll(async () => {
  await kafka.close()
  await telemetry.close()
})

beforeEach(async () => {
  const fresh = await freshDatabase()
  await migrate(fresh.url, { '001-events': { up: createEventStore } })
  database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 10, log })
  const topic = await freshTopic({ prefix: 'projection', partitions: 3 })
  const own = { ...testTopic, name: topic.name } as TestTopic
  store = eventStore({ topic: own, codec })
  totals = {
    ...{ name: freshGroup('totals'), schema: 'totals', version: 1, topics: [own] },
    async createTables(db) {
      await db.schema
        .createTable('totals')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('total', 'integer', (column) => column.notNull())
        .addColumn('events', 'integer', (column) => column.notNull())
        .execute()
    },
    async apply(db, events) {
      for (const { value } of events)
        await db
          .insertInto('totals')
          .values({ name: value.code, total: value.refusedAt, events: 1 })
          .onConflict((conflict) =>
            conflict.column('name').doUpdateSet((row) => ({
              total: sql<number>`${row.ref('totals.total')} + excluded.total`,
              events: sql<number>`${row.ref('totals.events')} + 1`,
            })),
          )
          .execute()
    },
  }
  const health = createHealth()
  relay = runRelay({
    context: 'test',
    databaseUrl: fresh.url,
    producer: kafka.producer(),
    meter: telemetry.meter,
    health,
    log,
  })
  workers = []
  return async () => {
    await Promise.all(workers.map((worker) => worker.stop()))
    await relay.stop()
    await database.close()
    await fresh.drop()
    await topic.drop()
  }
})

const start = async (projection = totals) => {
  const health = createHealth()
  const worker = await runProjection(projection, database, {
    ...{ kafka, codec, health, telemetry, log },
    fail: (error) => {
      throw error
    },
    settings: {
      retryMinMs: 5,
      retryMaxMs: 50,
      notReadyAfterMs: 0,
      commitIntervalMs: 50,
      sessionTimeoutMs: 6_000,
    },
  })
  workers.push(worker)
  return { worker, health }
}
const append = (stream: string, expectedVersion: number, ...amounts: number[]) =>
  store.append(database.db, {
    ...{ stream, key: stream, expectedVersion },
    events: amounts.map((amount) => testEvent(stream, amount)),
  })
const rows = (schema = 'totals') =>
  database.db.withSchema(schema).selectFrom('totals').selectAll().orderBy('name').execute()
const reached = (stream: string, version: number) =>
  hasReached(database.db, 'totals', { stream, version }, 30_000)
const schemas = async () =>
  (
    await sql<{
      name: string
    }>`select nspname as name from pg_namespace where nspname like 'totals%' order by 1`.execute(database.db)
  ).rows.map(({ name }) => name)

it('takes each event in once, whatever is written or delivered again, and says how far it is', async () => {
  const first = await start()
  expect(await hasReached(database.db, 'totals', { stream: 'a', version: 1 }, 0)).toBe(false)
  await append('a', 0, 1, 2)
  await append('b', 0, 10)
  expect(await reached('a', 2)).toBe(true)
  expect(await reached('b', 1)).toBe(true)
  await first.worker.stop()

  // What the relay does after a crash: everything again, at other offsets. What Kafka does: everything again, at the same.
  await relay.stop()
  await sql`update events.relays set transaction_id = '0', position = 0`.execute(database.db)
  relay = runRelay({
    ...{ context: 'test', producer: kafka.producer(), meter: telemetry.meter, health: createHealth(), log },
    databaseUrl: String(database.pool.options.connectionString),
  })
  await kafka.admin.deleteGroups([totals.name])
  await append('a', 2, 3)
  await start()
  expect(await reached('a', 3)).toBe(true)
  expect(await rows()).toEqual([
    { name: 'a', total: 6, events: 3 },
    { name: 'b', total: 10, events: 1 },
  ])
}, 120_000)

it('is rebuilt beside the live one while that goes on, and the two are equal', async () => {
  await start()
  for (const n of range(40)) await append(`s${n % 8}`, Math.floor(n / 8), n)
  await Promise.all(range(8).map((n) => reached(`s${n}`, 5)))
  // A row that no event tells of: only a model that was made anew is without it.
  await database.db
    .withSchema('totals')
    .insertInto('totals')
    .values({ name: 'stray', total: 1, events: 1 })
    .execute()

  const progress: ReplayProgress[] = []
  const state = { ended: false }
  const replaying = replay(totals, database.db, {
    kafka,
    codec,
    maxChunkRecords: 5,
    onProgress: (p) => progress.push(p),
  }).finally(() => (state.ended = true))
  let written = 5
  const seen: number[] = []
  while (!state.ended) {
    await append('s0', written++, 1)
    // Without a moment in which there is no model to be read.
    seen.push((await rows()).length)
    expect(await reached('s0', written)).toBe(true)
  }
  const { read, total } = await replaying
  expect(read).toBeGreaterThanOrEqual(total)
  expect(progress[0]).toEqual({ read: 0, total: expect.any(Number) as number })
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(8)
  expect(await schemas()).toEqual(['totals'])

  await append('s1', 5, 1000)
  expect(await reached('s1', 6)).toBe(true)
  const expected = range(8).map((n) => ({
    name: `s${n}`,
    total:
      [0, 8, 16, 24, 32].reduce((sum, more) => sum + n + more, 0) +
      (n === 0 ? written - 5 : n === 1 ? 1000 : 0),
    events: n === 0 ? written : n === 1 ? 6 : 5,
  }))
  expect(await rows()).toEqual(expected)
}, 120_000)

it('waits, not ready, while the model is of another version, and goes on after a replay made one', async () => {
  const first = await start()
  await append('a', 0, 1)
  await reached('a', 1)
  await first.worker.stop()
  const doubled: Projection<TestTopic, Tables> = {
    ...totals,
    version: 2,
    apply: (db, events, schema) => totals.apply(db, [...events, ...events], schema),
  }
  const { health } = await start(doubled)
  await append('a', 1, 2)
  await vi.waitFor(async () => {
    expect(JSON.stringify(await health.readiness())).toContain('version 1, this worker writes 2')
  }, waiting)
  expect(await rows()).toEqual([{ name: 'a', total: 1, events: 1 }])

  await replay(doubled, database.db, { kafka, codec })
  await append('a', 2, 3)
  expect(await reached('a', 3)).toBe(true)
  expect(await rows()).toEqual([{ name: 'a', total: 12, events: 6 }])
}, 120_000)

it('stays as it was when a replay goes on failing, and is rebuilt when it fails now and then', async () => {
  await start()
  await append('a', 0, 1, 2)
  await reached('a', 2)
  let attempts = 0
  const failing = (often: number): typeof totals => ({
    ...totals,
    apply: (db, events, schema) =>
      ++attempts <= often ? Promise.reject(new Error('broken')) : totals.apply(db, events, schema),
  })
  const broken = replay(failing(99), database.db, { kafka, codec, attempts: 3 })
  await expect(broken).rejects.toThrow('broken')
  expect(attempts).toBe(3)
  expect(await schemas()).toEqual(['totals'])
  expect(await rows()).toEqual([{ name: 'a', total: 3, events: 2 }])

  attempts = 0
  await replay(failing(2), database.db, { kafka, codec, attempts: 3 })
  expect(await rows()).toEqual([{ name: 'a', total: 3, events: 2 }])
}, 120_000)

it('goes past what it refuses, which the worker dead-letters', async () => {
  const picky: typeof totals = {
    ...totals,
    refuse: ({ value }) => (value.refusedAt < 0 ? 'nothing is negative' : undefined),
  }
  const letters = { name: deadLetterTopic(totals.name), partitions: 1, replication: 1, config: {} }
  await kafka.admin.createTopics([letters])
  onTestFinished(() => kafka.admin.deleteTopics([letters.name]))
  await start(picky)
  await append('a', 0, 1, -5, 2)
  expect(await reached('a', 3)).toBe(true)
  const expected = [{ name: 'a', total: 3, events: 2 }]
  expect(await rows()).toEqual(expected)
  await vi.waitFor(async () => {
    expect(await kafka.admin.endOffsets(letters.name)).toEqual([1])
  }, waiting)
  await replay(picky, database.db, { kafka, codec })
  expect(await rows()).toEqual(expected)
}, 120_000)
