import { sql } from 'kysely'
import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { createEventStore } from '../events/index.ts'
import { isCollision, migrate } from '../postgres/index.ts'
import { freshDatabase, testEvent, testTopic } from '../testing/index.ts'
import { rebaseOutbox } from './index.ts'
import {
  waiting,
  range,
  codec,
  telemetry,
  fresh,
  database,
  store,
  published,
  health,
  relay,
  append,
  firsts,
  stored,
  expectAll,
  open,
  write,
  hooks,
} from './testing/relay.ts'

hooks()

describe('what is published', () => {
  it('are the stored bytes under the key, with headers that name the event, its stream and its place in it', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const id = randomUUID()
    relay()
    await store.append(database.db, {
      ...{ stream: 'account-1', key: 'user-1', expectedVersion: 0, metadata: { actor: 'ana', traceparent } },
      events: [{ ...testEvent('one'), id }],
    })
    await expectAll()
    const [record] = published
    const [event] = await store.readStream(database.db, 'account-1')
    expect(record).toMatchObject({
      key: 'user-1',
      value: codec.encode(testTopic, 'CommandRefused', testEvent('one').value),
    })
    expect(
      Object.fromEntries(
        Object.entries(record?.headers ?? {}).map(([name, bytes]) => [name, bytes?.toString()]),
      ),
    ).toEqual({
      ce_specversion: '1.0',
      ce_id: id,
      ce_type: 'CommandRefused',
      ce_source: '/test',
      ce_time: event?.recordedAt.toISOString(),
      ce_subject: 'account-1',
      ce_sequence: '1',
      'content-type': 'application/avro',
      traceparent,
    })
  })

  it('goes on where the last relay ended, without repetition', async () => {
    const first = relay()
    await append(database.db, 'a', 0, 3)
    await expectAll()
    await first.stop()
    await append(database.db, 'a', 3, 2)
    relay()
    await expectAll()
    expect(published).toHaveLength(5)
  })

  it('is cut into requests that a broker takes', async () => {
    await store.append(database.db, {
      ...{ stream: 'large', key: 'k', expectedVersion: 0 },
      events: range(9).map(() => testEvent('x'.repeat(300_000))),
    })
    relay()
    await expectAll()
    await expect(
      store.append(database.db, {
        ...{ stream: 'larger', key: 'k', expectedVersion: 0 },
        events: [testEvent('x'.repeat(600_000))],
      }),
    ).rejects.toMatchObject({ constraint: 'events_payload_bounded' })
  })
})

describe('the order of commits', () => {
  it('is not that of positions: what commits late is not lost', async () => {
    relay()
    const commit = await open((trx) => append(trx, 'slow', 0))
    await append(database.db, 'fast', 0)
    await append(database.db, 'fast', 1)
    // A reader that follows positions would read these two now and never come back for the one below them.
    const { rows } = await sql<{
      stream: string
    }>`select stream from events.events order by position`.execute(database.db)
    expect(rows.map(({ stream }) => stream)).toEqual(['fast', 'fast'])
    await commit(true)
    expect(await stored()).toEqual(['slow 1', 'fast 1', 'fast 2'])
    await expectAll()
  })

  it('holds back what is younger than an open transaction, and lets go when that is aborted', async () => {
    relay()
    const abort = await open(write)
    await append(database.db, 'fast', 0)
    await vi.waitFor(async () => {
      expect(await telemetry.metrics()).toMatch(/outbox_pending_events{[^}]*context="test"[^}]*} 1/)
    }, waiting)
    expect(published).toEqual([])
    await abort(false)
    await expectAll()
    await vi.waitFor(async () => {
      const metrics = await telemetry.metrics()
      expect(metrics).toMatch(/outbox_oldest_age_seconds{[^}]*context="test"[^}]*} 0\n/)
      expect(metrics).toMatch(/outbox_relay_holder{[^}]*context="test"[^}]*} 1\n/)
      expect(metrics).toMatch(/outbox_publish_delay_seconds_count{[^}]*context="test"/)
    }, waiting)
  })

  it('is that of cause and effect, also for a writer that began before what it saw', async () => {
    relay()
    let goOn!: () => void
    const first = new Promise<void>((resolve) => (goOn = resolve))
    let begun!: () => void
    const hasBegun = new Promise<void>((resolve) => (begun = resolve))
    // It writes (and so gets its transaction id), lets another append to the stream, and appends after that.
    const early = database.db.transaction().execute(async (trx) => {
      await write(trx)
      begun()
      await first
      await append(trx, 'a', 1)
    })
    await hasBegun
    // Still open when the early one ends, with an id between the two: the oldest open transaction lies between them.
    const between = await open(write)
    await append(database.db, 'a', 0)
    goOn()
    const refused = await early.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(isCollision(refused)).toBe(true)
    await append(database.db, 'a', 1)
    await between(true)
    await expectAll()
  })

  it('is that of numbers, also where they get a digit more', async () => {
    await database.pool.query('alter sequence events.positions restart with 9990')
    await append(database.db, 'a', 0, 40)
    relay({ settings: { pageEvents: 5 } })
    await expectAll()
  })

  it('keeps every event and every order under concurrent, slow and aborted transactions', async () => {
    relay({ settings: { pageEvents: 7 } })
    let seed = 20261124
    const random = () => ((seed = (seed * 1103515245 + 12345) % 2 ** 31), seed / 2 ** 31)
    const versions = range(12).map(() => 0)
    let committed = 0
    const writer = async (n: number): Promise<void> => {
      for (let round = 0; round < 25; round++) {
        const [own, other] = [n, 6 + (n % 6)]
        const abort = random() < 0.2
        const pauseMs = random() < 0.3 ? random() * 40 : 0
        const early = random() < 0.3
        try {
          await database.db.transaction().execute(async (trx) => {
            if (early) await write(trx)
            await append(trx, `s${own}`, versions[own] ?? 0, 2, `k${own % 3}`)
            if (pauseMs > 0) await sql`select pg_sleep(${pauseMs / 1000})`.execute(trx)
            const current = await store.currentVersion(trx, `s${other}`)
            await append(trx, `s${other}`, current, 1, `k${other % 3}`)
            if (abort) throw new Error('aborted')
          })
          versions[own] = (versions[own] ?? 0) + 2
          committed++
        } catch (error) {
          const isMeant =
            error instanceof Error && (error.message === 'aborted' || error.name === 'VersionConflict')
          if (!isMeant && !isCollision(error)) throw error
        }
      }
    }
    await Promise.all(range(6).map(writer))
    expect(committed).toBeGreaterThan(30)
    await expectAll()
    expect(firsts()).toHaveLength(3 * committed)
  }, 120_000)
})

describe('shards', () => {
  it('divide the keys, and a new division loses nothing', async () => {
    const two = [relay({ shards: 2, shard: 0 }), relay({ shards: 2, shard: 1 })]
    for (const n of range(40)) await append(database.db, `s${n}`, 0)
    await expectAll()
    expect(published).toHaveLength(40)
    await Promise.all(two.map((one) => one.stop()))
    for (const n of range(40)) await append(database.db, `s${n}`, 1)
    relay()
    await expectAll()
    const { rows } = await sql`select shards from events.relays`.execute(database.db)
    expect(rows).toEqual([{ shards: 1 }])
  })
})

it('waits for a database that has no event store yet', async () => {
  const later = await freshDatabase()
  const early = relay({ databaseUrl: later.url, settings: { notReadyAfterMs: 0 } })
  await vi.waitFor(async () => {
    expect(await health.readiness()).toEqual({})
  }, waiting)
  expect(early.isHolder).toBe(false)
  await migrate(later.url, { '001-events': { up: createEventStore } })
  await vi.waitFor(() => {
    expect(early.isHolder).toBe(true)
  }, waiting)
  await early.stop()
  await later.drop()
})

it('refuses a database whose transaction ids are not those of its events, until it is rebased', async () => {
  const first = relay()
  await append(database.db, 'a', 0, 3)
  await expectAll()
  await first.stop()
  await append(database.db, 'a', 3, 2)
  // What a dump brings into a younger cluster: ids that it has yet to give.
  await sql`alter table events.events disable trigger user`.execute(database.db)
  await sql`update events.events set transaction_id = (transaction_id::text::bigint + 1000000000000)::text::xid8`.execute(
    database.db,
  )
  await sql`update events.relays set transaction_id = (transaction_id::text::bigint + 1000000000000)::text::xid8`.execute(
    database.db,
  )
  await sql`alter table events.events enable trigger user`.execute(database.db)
  const refused = relay({ settings: { notReadyAfterMs: 0 } })
  await vi.waitFor(async () => {
    expect(JSON.stringify(await health.readiness())).toContain('rebase-outbox')
  }, waiting)
  await refused.stop()

  expect(await rebaseOutbox(fresh.url)).toBe(2)
  relay()
  await append(database.db, 'a', 5)
  await expectAll()
  expect(published).toHaveLength(6)
})
