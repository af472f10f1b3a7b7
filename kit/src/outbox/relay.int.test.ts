import { connect } from 'node:net'
import { connectCodec, type Codec } from '@veza/contracts'
import { registerSchemas } from '@veza/contracts/deploy'
import { sql, type Kysely } from 'kysely'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createEventStore, type Connection, type EventStore, eventStore } from '../events/index.ts'
import { createHealth, type Health } from '../internal/index.ts'
import { createKafka } from '../kafka/connect.ts'
import { type ConsumedRecord, type Kafka, type Producer, connectKafka } from '../kafka/index.ts'
import { type Proxy, startProxy } from '../kafka/proxy.testing.ts'
import { createLog } from '../log/index.ts'
import { type Database, isCollision, migrate, openDatabase } from '../postgres/index.ts'
import {
  type FreshDatabase,
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  type TestTelemetry,
  type TestTopic,
  testEvent,
  testTelemetry,
  testTopic,
} from '../testing/index.ts'
import { rebaseOutbox, type Relay, type RelayOptions, runRelay } from './index.ts'

interface Tables {
  others: { n: number }
}

const waiting = { timeout: 40_000, interval: 20 }
const log = createLog('test', 'silent')
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

let codec: Codec
let kafka: Kafka
let proxy: Proxy
let overProxy: Kafka
let telemetry: TestTelemetry
let fresh: FreshDatabase
let database: Database<Tables>
let store: EventStore<TestTopic>
let topicName: string
let relays: Relay[]
let published: ConsumedRecord[]
let health: Health

beforeAll(async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  await registerSchemas(schemaRegistryUrl)
  codec = await connectCodec(schemaRegistryUrl)
  kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  const [host = '', port] = (kafkaBrokers[0] ?? '').split(':')
  proxy = await startProxy({ host, port: Number(port) })
  overProxy = createKafka(kafkaBrokers, { clientId: 'test', log }, () => connect(proxy.port, '127.0.0.1'))
  telemetry = testTelemetry()
})

afterAll(async () => {
  await overProxy.close()
  await kafka.close()
  await proxy.close()
  await telemetry.close()
})

beforeEach(async () => {
  fresh = await freshDatabase()
  await migrate(fresh.url, {
    '001-events': { up: createEventStore },
    '002-others': { up: (db) => db.schema.createTable('others').addColumn('n', 'integer').execute() },
  })
  database = openDatabase<Tables>(fresh.url, { applicationName: 'test', poolSize: 20, log })
  const topic = await freshTopic({ prefix: 'outbox', partitions: 3 })
  topicName = topic.name
  store = eventStore({ topic: { ...testTopic, name: topicName } as TestTopic, codec })
  relays = []
  published = []
  health = createHealth()
  const consumer = await kafka.consume({
    groupId: freshGroup(),
    topics: [topicName],
    fromBeginning: true,
    onChunk: (chunk) => {
      // The reader's own group may deliver a record again; what counts is how often the relay wrote it.
      const place = ({ partition, offset }: ConsumedRecord) => `${partition}/${offset}`
      const known = new Set(published.map(place))
      published.push(...chunk.filter((record) => !known.has(place(record))))
      return Promise.resolve()
    },
  })
  return async () => {
    await Promise.all(relays.map((relay) => relay.stop()))
    await consumer.stop()
    await database.close()
    await fresh.drop()
    await topic.drop()
  }
})

const relay = (options: Partial<RelayOptions> = {}, producer?: Producer): Relay => {
  const started = runRelay({
    context: 'test',
    databaseUrl: fresh.url,
    producer: producer ?? kafka.producer(),
    meter: telemetry.meter,
    health,
    log,
    ...options,
    settings: { standbyMs: 50, observeMs: 20, retryMinMs: 20, retryMaxMs: 200, ...options.settings },
  })
  relays.push(started)
  return started
}

const append = (db: Connection, stream: string, expectedVersion: number, events = 1, key = stream) =>
  store.append(db, {
    ...{ stream, key, expectedVersion },
    events: range(events).map((n) => testEvent('tick', expectedVersion + 1 + n)),
  })

const header = (record: ConsumedRecord | undefined, name: string) => record?.headers[name]?.toString()
const nameOf = (record: ConsumedRecord) =>
  `${header(record, 'ce_subject') ?? ''} ${header(record, 'ce_sequence') ?? ''}`
/** What a reader makes of the topic: repetitions, known by their ce_id, left out. */
const firsts = () => [...new Map(published.map((record) => [header(record, 'ce_id'), record])).values()]
const stored = async () =>
  (
    await sql<{
      name: string
    }>`select stream || ' ' || version as name from events.events order by position`.execute(database.db)
  ).rows.map(({ name }) => name)

/** Everything stored is published, once a reader left out repetitions, and each stream's events in their order. */
const expectAll = async () => {
  const names = await stored()
  await vi.waitFor(() => {
    expect(firsts().length).toBeGreaterThanOrEqual(names.length)
  }, waiting)
  expect(firsts().map(nameOf).toSorted()).toEqual(names.toSorted())
  const reached = new Map<string, number>()
  for (const record of firsts()) {
    const subject = header(record, 'ce_subject') ?? ''
    const sequence = Number(header(record, 'ce_sequence'))
    expect(sequence).toBe((reached.get(subject) ?? 0) + 1)
    reached.set(subject, sequence)
  }
}

/** A transaction that is open until it is told to end. */
const open = async (work: (trx: Kysely<Tables>) => Promise<unknown>) => {
  let end!: (commit: boolean) => void
  const told = new Promise<boolean>((resolve) => (end = resolve))
  let begun!: () => void
  const started = new Promise<void>((resolve) => (begun = resolve))
  const done = database.db
    .transaction()
    .execute(async (trx) => {
      await work(trx)
      begun()
      if (!(await told)) throw new Error('aborted')
    })
    .catch((error: unknown) => {
      if (!(error instanceof Error && error.message === 'aborted')) throw error
    })
  await Promise.race([started, done])
  return (commit: boolean) => {
    end(commit)
    return done
  }
}
const write = (trx: Kysely<Tables>) => trx.insertInto('others').values({ n: 1 }).execute()

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

describe('when something dies', () => {
  const flow = async (events: number, meanwhile: (n: number) => Promise<void> | void) => {
    for (const n of range(events)) {
      await append(database.db, `s${n % 4}`, Math.floor(n / 4))
      await meanwhile(n)
    }
  }

  it('a relay that stands by takes over from a holder whose session ends', async () => {
    const both = [relay(), relay()]
    await vi.waitFor(() => {
      expect(both.map(({ isHolder }) => isHolder).toSorted()).toEqual([false, true])
    }, waiting)
    const holders = new Set<number>()
    await flow(120, async (n) => {
      if (n % 30 !== 15) return
      const { rows } = await database.pool.query<{ pid: number }>(
        "select pid, pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())",
      )
      for (const { pid } of rows) holders.add(pid)
    })
    expect(holders.size).toBeGreaterThanOrEqual(2)
    await expectAll()
  })

  it('one that stops gives its lock to the next at once', async () => {
    const first = relay()
    await vi.waitFor(() => {
      expect(first.isHolder).toBe(true)
    }, waiting)
    const second = relay()
    await append(database.db, 'a', 0)
    await first.stop()
    await vi.waitFor(() => {
      expect(second.isHolder).toBe(true)
    }, waiting)
    await append(database.db, 'a', 1)
    await expectAll()
  })

  it('a holder that falls silent loses its lock', async () => {
    const sessionTimeoutMs = 300
    const silent = runRelay({
      ...{
        context: 'silent',
        databaseUrl: fresh.url,
        producer: kafka.producer(),
        meter: telemetry.meter,
        health,
        log,
      },
      // Longer silent than its session may be: what a stopped process looks like to the database.
      settings: { sessionTimeoutMs, pollMinMs: 60_000, pollMaxMs: 60_000 },
    })
    relays.push(silent)
    await vi.waitFor(() => {
      expect(silent.isHolder).toBe(true)
    }, waiting)
    const next = relay()
    await vi.waitFor(() => {
      expect(next.isHolder).toBe(true)
    }, waiting)
    await append(database.db, 'a', 0)
    await expectAll()
  })

  it('Kafka connections, produce answers and the broker: nothing is lost or out of order', async () => {
    const producer = overProxy.producer({ requestTimeoutMs: 500, deliveryTimeoutMs: 1_500 })
    relay({}, producer)
    await flow(200, async (n) => {
      if (n === 40 || n === 60) proxy.cut()
      if (n === 80) proxy.loseProduceAnswers(3)
      if (n === 120) await proxy.down(true)
      if (n === 160) await proxy.down(false)
    })
    await expectAll()
  })

  it('a produce that fails for good is tried again in a new session, in order', async () => {
    const failing = kafka.producer()
    let failures = 0
    const producer: Producer = {
      ...failing,
      healthy: true,
      sendAll: (records) =>
        failures++ % 3 === 1 ? Promise.reject(new Error('not acknowledged')) : failing.sendAll(records),
    }
    relay({ settings: { pageEvents: 3 } }, producer)
    await flow(60, () => undefined)
    await expectAll()
    expect(failures).toBeGreaterThan(3)
  })

  it('PostgreSQL connections: it reconnects and goes on from its checkpoint', async () => {
    const url = new URL(fresh.url)
    const network = await startProxy({ host: url.hostname, port: Number(url.port) })
    url.port = String(network.port)
    relay({ databaseUrl: url.href })
    await flow(120, async (n) => {
      if (n % 25 === 10) network.cut()
      if (n === 70) await network.down(true)
      if (n === 100) await network.down(false)
    })
    await expectAll()
    await network.close()
  })

  it('says that it is not ready while it cannot publish, and is again afterwards', async () => {
    const url = new URL(fresh.url)
    const network = await startProxy({ host: url.hostname, port: Number(url.port) })
    url.port = String(network.port)
    await network.down(true)
    relay({ databaseUrl: url.href, settings: { notReadyAfterMs: 0 } })
    await vi.waitFor(async () => {
      expect(Object.keys(await health.readiness())).toEqual(['outbox-test-0'])
    }, waiting)
    await network.down(false)
    await vi.waitFor(async () => {
      expect(await health.readiness()).toEqual({})
      expect(await health.liveness()).toEqual({})
    }, waiting)
    await network.close()
  })
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
