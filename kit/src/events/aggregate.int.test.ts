import { type Codec, connectCodec } from '@veza/contracts'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createLog } from '../log/index.ts'
import { type Database, migrate, openDatabase } from '../postgres/index.ts'
import {
  type FreshDatabase,
  freshDatabase,
  infrastructure,
  testEvent,
  type TestTopic,
  testTopic as topic,
} from '../testing/index.ts'
import {
  type Aggregate,
  type NewEvent,
  type StoredEvent,
  aggregate,
  createEventStore,
  deleteSnapshots,
  eventStore,
  VersionConflict,
} from './index.ts'

/** A till: a domain of one event and one rule. */
interface Paid {
  readonly amount: number
}
interface Till {
  readonly total: number
}
const evolve = (till: Till, { amount }: Paid): Till => ({ total: till.total + amount })
const pay =
  (amount: number) =>
  (till: Till): Paid[] => {
    if (till.total + amount < 0) throw new Error('overdrawn')
    return amount === 0 ? [] : [{ amount }]
  }

const write = (events: readonly Paid[]): NewEvent<TestTopic>[] =>
  events.map(({ amount }) => testEvent('paid', amount))
const reads: number[] = []
const read = (events: readonly StoredEvent<TestTopic>[]): Paid[] => {
  reads.push(events.length)
  return events.map(({ value }) => ({ amount: value.refusedAt }))
}

let fresh: FreshDatabase
let database: Database<{ receipts: { id: string; total: number } }>
let codec: Codec
let tills: Aggregate<TestTopic, Till, Paid>
let stream: string
const key = 'k'

beforeAll(async () => {
  codec = await connectCodec(infrastructure().schemaRegistryUrl)
  fresh = await freshDatabase()
  await migrate(fresh.url, {
    '001-events': { up: createEventStore },
    '002-receipts': {
      up: (db) =>
        db.schema
          .createTable('receipts')
          .addColumn('id', 'text', (c) => c.primaryKey())
          .addColumn('total', 'integer')
          .execute(),
    },
  })
  database = openDatabase(fresh.url, {
    applicationName: 'test',
    poolSize: 20,
    log: createLog('test', 'silent'),
  })
  tills = aggregate({ store: eventStore({ topic, codec }), initial: { total: 0 }, evolve, read, write })
})

beforeEach(() => {
  stream = `till-${randomUUID()}`
  reads.length = 0
})

afterAll(async () => {
  await database.close()
  await fresh.drop()
})

test('decides on the state that the events come to, and appends what was decided', async () => {
  expect(await tills.load(database.db, stream)).toEqual({ state: { total: 0 }, version: 0 })
  expect(await tills.execute(database.db, { stream, key, decide: pay(5) })).toEqual({
    state: { total: 5 },
    version: 1,
    events: [{ amount: 5 }],
    replayed: false,
  })
  await tills.execute(database.db, { stream, key, decide: pay(-2) })
  await expect(tills.execute(database.db, { stream, key, decide: pay(-4) })).rejects.toThrow('overdrawn')
  expect(await tills.load(database.db, stream)).toEqual({ state: { total: 3 }, version: 2 })
  expect(await tills.load(database.db, stream, 1)).toEqual({ state: { total: 5 }, version: 1 })
})

test('appends nothing when nothing is to be done', async () => {
  await tills.execute(database.db, { stream, key, decide: pay(5) })
  const nothing = await tills.execute(database.db, {
    ...{ stream, key, decide: pay(0) },
    alongside: () => Promise.reject(new Error('there is nothing to go along with')),
  })
  expect(nothing).toMatchObject({ version: 1, events: [], state: { total: 5 } })
})

test('decides again when somebody was faster, as often as the caller allows', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, () =>
      tills.execute(database.db, { stream, key, decide: pay(1), attempts: 30 }),
    ),
  )
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([])
  expect(await tills.load(database.db, stream)).toEqual({ state: { total: 10 }, version: 10 })

  let interfered = 0
  const execution = {
    ...{ stream, key },
    decide: async () => {
      interfered++
      await tills.execute(database.db, { stream, key, decide: pay(1) })
      return [{ amount: 100 }]
    },
  }
  await expect(tills.execute(database.db, execution)).rejects.toThrow(VersionConflict)
  await expect(tills.execute(database.db, { ...execution, attempts: 3 })).rejects.toThrow(VersionConflict)
  expect(interfered).toBe(1 + 3)
  expect((await tills.load(database.db, stream)).state.total).toBe(14)
})

test('a version that the caller saw is not decided again', async () => {
  await tills.execute(database.db, { stream, key, decide: pay(5) })
  const seen = { stream, key, decide: pay(1), expectedVersion: 0, attempts: 9 }
  await expect(tills.execute(database.db, seen)).rejects.toMatchObject({
    expectedVersion: 0,
    currentVersion: 1,
  })
  expect(await tills.execute(database.db, { ...seen, expectedVersion: 1 })).toMatchObject({ version: 2 })
})

test('rows that go along stand or fall with the events', async () => {
  const receipt = (id: string) =>
    tills.execute(database.db, {
      ...{ stream, key, decide: pay(5) },
      alongside: async (trx, { state, version }) => {
        await trx
          .insertInto('receipts')
          .values({ id, total: state.total + version })
          .execute()
      },
    })
  await receipt(stream)
  await expect(receipt(stream)).rejects.toMatchObject({ code: '23505' })
  expect(await tills.load(database.db, stream)).toEqual({ state: { total: 5 }, version: 1 })
  const rows = await database.db.selectFrom('receipts').selectAll().where('id', '=', stream).execute()
  expect(rows).toEqual([{ id: stream, total: 6 }])
})

test('takes part in a transaction of the caller', async () => {
  await expect(
    database.db.transaction().execute(async (trx) => {
      await tills.execute(trx, { stream, key, decide: pay(5) })
      await tills.execute(trx, { stream, key, decide: pay(5) })
      expect((await tills.load(trx, stream)).state.total).toBe(10)
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect((await tills.load(database.db, stream)).version).toBe(0)
})

test('an idempotency key gets the first answer, even where it would be refused by now', async () => {
  const withdraw = { stream, key, decide: pay(-5), idempotencyKey: `withdraw:${stream}` }
  await tills.execute(database.db, { stream, key, decide: pay(5) })
  expect(await tills.execute(database.db, withdraw)).toMatchObject({ version: 2, replayed: false })
  await tills.execute(database.db, { stream, key, decide: pay(1) })
  expect(await tills.execute(database.db, withdraw)).toEqual({
    state: { total: 0 },
    version: 2,
    events: [],
    replayed: true,
  })
  const atOnce = { ...withdraw, decide: pay(7), idempotencyKey: `at once:${stream}`, attempts: 20 }
  const answers = await Promise.all(Array.from({ length: 8 }, () => tills.execute(database.db, atOnce)))
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
  expect(new Set(answers.map(({ version, state }) => `${version} ${state.total}`))).toEqual(new Set(['4 8']))
})

test('snapshots shorten what is read, and are ignored when their shape is another', async () => {
  const withSnapshots = (shape: number) =>
    aggregate({
      ...{ store: eventStore({ topic, codec }), initial: { total: 0 }, evolve, read, write },
      snapshot: { shape, every: 10, write: (till: Till) => till, read: (json) => json as Till },
    })
  for (let n = 0; n < 25; n++) await withSnapshots(1).execute(database.db, { stream, key, decide: pay(1) })
  reads.length = 0
  expect(await withSnapshots(1).load(database.db, stream)).toEqual({ state: { total: 25 }, version: 25 })
  expect(await withSnapshots(1).load(database.db, stream, 7)).toEqual({ state: { total: 7 }, version: 7 })
  expect(await withSnapshots(2).load(database.db, stream)).toEqual({ state: { total: 25 }, version: 25 })
  await deleteSnapshots(database.db, [stream])
  expect(await withSnapshots(1).load(database.db, stream)).toEqual({ state: { total: 25 }, version: 25 })
  expect(reads).toEqual([5, 7, 25, 25])
})
