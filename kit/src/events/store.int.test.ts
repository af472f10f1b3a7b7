import { type Codec, connectCodec, topics } from '@veza/contracts'
import { sql } from 'kysely'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import golden from '../../../contracts/golden/MessagePosted.v1.json' with { type: 'json' }
import { createLog } from '../log/index.ts'
import { type Database, migrate, openDatabase } from '../postgres/index.ts'
import {
  type FreshDatabase,
  freshDatabase,
  infrastructure,
  testEvent,
  testTopic as topic,
} from '../testing/index.ts'
import {
  createEventStore,
  type EventStore,
  eventStore,
  IdempotencyKeyReused,
  lastVersionBy,
  VersionConflict,
} from './index.ts'

interface Tables {
  names: { name: string }
}

let fresh: FreshDatabase
let database: Database<Tables>
let codec: Codec
let store: EventStore<typeof topic>
let stream: string

beforeAll(async () => {
  const { schemaRegistryUrl } = infrastructure()
  codec = await connectCodec(schemaRegistryUrl)
  fresh = await freshDatabase()
  await migrate(fresh.url, {
    '001-events': { up: createEventStore },
    '002-names': {
      up: (db) =>
        db.schema
          .createTable('names')
          .addColumn('name', 'text', (c) => c.primaryKey())
          .execute(),
    },
  })
  database = openDatabase<Tables>(fresh.url, {
    applicationName: 'test',
    poolSize: 20,
    log: createLog('test', 'silent'),
  })
  store = eventStore({ topic, codec })
})

beforeEach(() => {
  stream = `room-${randomUUID()}`
})

afterAll(async () => {
  await database.close()
  await fresh.drop()
})

const append = (expectedVersion: number, ...bodies: string[]) =>
  ({ stream, key: 'k', expectedVersion, events: bodies.map((text) => testEvent(text)) }) as const
const bodies = async (of = stream) => (await store.readStream(database.db, of)).map(({ value }) => value.code)
const rejection = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('append', () => {
  it('numbers a stream from 1 and gives back what was written, with its metadata', async () => {
    const metadata = {
      actor: 'ana',
      causation: 'because',
      correlation: 'a'.repeat(32),
      address: '192.0.2.1',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    }
    const id = randomUUID()
    expect(
      await store.append(database.db, {
        ...append(0),
        events: [{ ...testEvent('one'), id }, testEvent('two')],
        metadata,
      }),
    ).toEqual({ version: 2, replayed: false })
    expect(await store.append(database.db, append(2, 'three'))).toEqual({ version: 3, replayed: false })
    const events = await store.readStream(database.db, stream)
    expect(events[0]).toEqual({
      ...testEvent('one'),
      id,
      stream,
      version: 1,
      position: expect.any(Number) as number,
      schemaVersion: expect.any(Number) as number,
      recordedAt: expect.any(Date) as Date,
      metadata,
    })
    expect(events.map(({ version, value, metadata: { actor } }) => [version, value.code, actor])).toEqual([
      [1, 'one', 'ana'],
      [2, 'two', 'ana'],
      [3, 'three', undefined],
    ])
    expect(await store.currentVersion(database.db, stream)).toBe(3)
    expect(await store.currentVersion(database.db, 'nobody')).toBe(0)
    const { rows } = await sql`
      select ${lastVersionBy(stream, 'ana')} as ana, ${lastVersionBy(stream, 'ben')} as ben`.execute(
      database.db,
    )
    expect(rows).toEqual([{ ana: 2, ben: 0 }])
  })

  it('keeps the very bytes that go to Kafka', async () => {
    await store.append(database.db, append(0, 'bytes'))
    const { rows } = await database.pool.query<{ payload: Buffer }>(
      'select payload from events.events where stream = $1',
      [stream],
    )
    expect(rows[0]?.payload).toEqual(codec.encode(topic, 'CommandRefused', testEvent('bytes').value))
  })

  it.each([
    ['behind', 1],
    ['new', 0],
    ['ahead', 4],
  ])(
    'refuses a writer who takes the stream to be %s, and says where it is',
    async (_what, expectedVersion) => {
      await store.append(database.db, append(0, 'one', 'two'))
      const error = await rejection(
        store.append(database.db, append(expectedVersion, 'other', 'more', 'and more')),
      )
      expect(error).toBeInstanceOf(VersionConflict)
      expect(error).toMatchObject({ stream, expectedVersion, currentVersion: 2 })
      expect(await bodies()).toEqual(['one', 'two'])
    },
  )

  it('lets one of many writers win each version, without a hole', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => rejection(store.append(database.db, append(0, `a${n}`, `b${n}`)))),
    )
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome !== undefined) expect(outcome).toMatchObject({ name: 'VersionConflict', currentVersion: 2 })
    expect(await bodies()).toHaveLength(2)
  })

  it('waits for the transaction that holds the version, and takes its place when it is aborted', async () => {
    let abort!: () => void
    const held = new Promise<void>((resolve) => (abort = resolve))
    const first = database.db.transaction().execute(async (trx) => {
      await store.append(trx, append(0, 'aborted'))
      await held
      throw new Error('aborted')
    })
    await vi.waitFor(async () => {
      const { rows } = await database.pool.query(
        "select from pg_stat_activity where state = 'idle in transaction' and datname = current_database()",
      )
      expect(rows).toHaveLength(1)
    })
    const second = store.append(database.db, append(0, 'second'))
    abort()
    await expect(first).rejects.toThrow('aborted')
    expect(await second).toMatchObject({ version: 1 })
    expect(await bodies()).toEqual(['second'])
  })

  it('stands or falls with the other rows of its transaction', async () => {
    const register = (name: string) =>
      database.db.transaction().execute(async (trx) => {
        await store.append(trx, { ...append(0, name), stream: `${stream}-${name}` })
        await trx.insertInto('names').values({ name: stream }).execute()
      })
    await register('first')
    await expect(register('second')).rejects.toMatchObject({ code: '23505' })
    expect(await bodies(`${stream}-first`)).toEqual(['first'])
    expect(await bodies(`${stream}-second`)).toEqual([])
  })

  it('makes a transaction useless after a conflict, so that no half of it is kept by mistake', async () => {
    await store.append(database.db, append(0, 'one'))
    await expect(
      database.db.transaction().execute(async (trx) => {
        await rejection(store.append(trx, append(0, 'x', 'would take version 2')))
        await trx
          .insertInto('names')
          .values({ name: `${stream} half` })
          .execute()
      }),
    ).rejects.toThrow()
    expect(await bodies()).toEqual(['one'])
  })
})

describe('appendAll', () => {
  const streams = (n: number) =>
    Array.from({ length: n }, (_, i) => ({ ...append(0, `${i}`), stream: `${stream}-${i}` }))

  it('writes several streams or none, positions in the order given', async () => {
    const appended = await store.appendAll(database.db, streams(12).toReversed())
    expect(appended).toEqual(Array(12).fill({ version: 1, replayed: false }))
    const { rows } = await sql<{ stream: string }>`
      select stream from events.events where stream like ${`${stream}-%`} order by position`.execute(
      database.db,
    )
    expect(rows.map((row) => row.stream)).toEqual(
      streams(12)
        .toReversed()
        .map((s) => s.stream),
    )

    const more = [
      { ...append(1, 'more'), stream: `${stream}-3` },
      { ...append(5, 'wrong'), stream: `${stream}-4` },
    ]
    expect(await rejection(store.appendAll(database.db, more))).toMatchObject({
      stream: `${stream}-4`,
      expectedVersion: 5,
      currentVersion: 1,
    })
    expect(await bodies(`${stream}-3`)).toEqual(['3'])
  })

  it('does not deadlock on streams in opposite orders', async () => {
    for (let round = 0; round < 10; round++) {
      const at = (n: number) => streams(n).map((s) => ({ ...s, stream: `${s.stream}-${round}` }))
      const outcomes = await Promise.all([
        rejection(store.appendAll(database.db, at(200))),
        rejection(store.appendAll(database.db, at(200).toReversed())),
      ])
      expect(outcomes.map((o) => (o instanceof Error ? o.name : o)).toSorted()).toEqual([
        'VersionConflict',
        undefined,
      ])
    }
  })

  it('refuses a stream that is named twice, and an append of nothing', async () => {
    await expect(store.appendAll(database.db, [append(0, 'a'), append(1, 'b')])).rejects.toThrow('once')
    await expect(store.append(database.db, append(0))).rejects.toThrow('at least one event')
    expect(await store.appendAll(database.db, [])).toEqual([])
  })
})

it('reads as little of a large store in a session that began on an empty one', async () => {
  const empty = await freshDatabase()
  await migrate(empty.url, { '001-events': { up: createEventStore } })
  const old = openDatabase<unknown>(empty.url, {
    ...{ applicationName: 'test', poolSize: 1, log: createLog('test', 'silent') },
  })
  const several = (n: number, expectedVersion: number) =>
    Array.from({ length: 50 }, (_, i) => ({
      ...append(expectedVersion, 'x'),
      stream: `${stream}-${n}-${i}`,
    }))
  try {
    // More often than the five times for which PostgreSQL tries a plan out.
    for (let n = 0; n < 60; n++) await store.appendAll(old.db, several(n, 0))
    const read = await old.db.transaction().execute(async (trx) => {
      await store.appendAll(trx, several(7, 1))
      const { rows } = await sql<{ tuples: number }>`
        select seq_tup_read + idx_tup_fetch as tuples from pg_stat_xact_user_tables
        where relname = 'events'`.execute(trx)
      return rows[0]?.tuples
    })
    expect(read).toBeLessThan(200)
  } finally {
    await old.close()
    await empty.drop()
  }
})

describe('an idempotency key', () => {
  it('gives the first answer again, also after the stream went on, and appends nothing', async () => {
    const keyed = { ...append(0, 'one', 'two'), idempotencyKey: `import:${stream}` }
    expect(await store.firstAnswer(database.db, keyed.idempotencyKey)).toBeUndefined()
    expect(await store.append(database.db, keyed)).toEqual({ version: 2, replayed: false })
    await store.append(database.db, append(2, 'three'))
    expect(await store.append(database.db, keyed)).toEqual({ version: 2, replayed: true })
    expect(await store.append(database.db, { ...keyed, expectedVersion: 3 })).toEqual({
      version: 2,
      replayed: true,
    })
    expect(await store.firstAnswer(database.db, keyed.idempotencyKey)).toEqual({ version: 2, replayed: true })
    expect(await bodies()).toEqual(['one', 'two', 'three'])
  })

  it('decides between requests that come at once', async () => {
    const keyed = { ...append(0, 'one'), idempotencyKey: `at-once:${stream}` }
    const answers = await Promise.all(Array.from({ length: 12 }, () => store.append(database.db, keyed)))
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect(new Set(answers.map(({ version }) => version))).toEqual(new Set([1]))
  })

  it('is free again when its transaction is aborted, and when the append is refused', async () => {
    const keyed = { ...append(0, 'one'), idempotencyKey: `aborted:${stream}` }
    await expect(store.append(database.db, { ...keyed, expectedVersion: 9 })).rejects.toThrow(VersionConflict)
    expect(await store.append(database.db, keyed)).toEqual({ version: 1, replayed: false })
  })

  it('answers for each stream, and refuses to stand for others', async () => {
    const idempotencyKey = `several:${stream}`
    const both = [append(0, 'a'), { ...append(0, 'b', 'c'), stream: `${stream}-2` }]
    await store.appendAll(database.db, both, { idempotencyKey })
    expect(await store.appendAll(database.db, both.toReversed(), { idempotencyKey })).toEqual([
      { version: 2, replayed: true },
      { version: 1, replayed: true },
    ])
    await expect(
      store.append(database.db, { ...append(0, 'x'), stream: 'another', idempotencyKey }),
    ).rejects.toThrow(IdempotencyKeyReused)
  })
})

describe('what is read', () => {
  it('starts after a version and ends at a limit', async () => {
    await store.append(database.db, append(0, 'one', 'two', 'three', 'four'))
    const read = await store.readStream(database.db, stream, { after: 1, limit: 2 })
    expect(read.map(({ value }) => value.code)).toEqual(['two', 'three'])
  })

  it('by position is everything of the topic, page by page', async () => {
    const before = (await store.readAll(database.db, { limit: 100_000 })).at(-1)?.position ?? 0
    await store.append(database.db, append(0, 'one', 'two', 'three'))
    const first = await store.readAll(database.db, { after: before, limit: 2 })
    const last = await store.readAll(database.db, { after: first.at(-1)?.position ?? 0 })
    expect([...first, ...last].map(({ value }) => value.code)).toEqual(['one', 'two', 'three'])
    const other = eventStore({ topic: { ...topic, name: 'other' }, codec })
    expect(await other.readAll(database.db)).toEqual([])
  })

  it('is the newest shape, whatever version it was written with, and without the registry', async () => {
    const away: Codec = {
      ...codec,
      decode: () => {
        throw new Error('no registry here')
      },
    }
    const payload = Buffer.concat([Buffer.from([0, 9, 9, 9, 9]), Buffer.from(golden.hex, 'hex')])
    await sql`insert into events.events (position, stream, version, event_id, type, schema_version, payload, topic, key)
      values (nextval('events.positions'), ${stream}, 1, gen_random_uuid(), 'MessagePosted', 1, ${payload},
      ${topics.chatEvents.name}, 'k')`.execute(database.db)
    const old = await eventStore({ topic: topics.chatEvents, codec: away }).readStream(database.db, stream)
    expect(old).toMatchObject([{ schemaVersion: 1, value: { ...golden.value, messageNumber: 0 } }])
  })

  it('asks the registry for a version that is newer than this process', async () => {
    await store.append(database.db, append(0, 'newer'))
    await sql`alter table events.events disable trigger user`.execute(database.db)
    await sql`update events.events set schema_version = 3 where stream = ${stream}`.execute(database.db)
    await sql`alter table events.events enable trigger user`.execute(database.db)
    expect(await bodies()).toEqual(['newer'])
  })

  it('is what was written: nobody changes history', async () => {
    await store.append(database.db, append(0, 'one'))
    for (const change of [
      "update events.events set key = 'other'",
      'delete from events.events',
      'truncate events.events',
    ])
      await expect(database.pool.query(change)).rejects.toThrow('events are never changed')
    expect(await bodies()).toEqual(['one'])
  })
})
