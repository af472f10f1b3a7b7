import { connect } from 'node:net'
import { connectCodec, type Codec } from '@veza/contracts'
import { sql, type Kysely } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest'
import { createEventStore, type Connection, type EventStore, eventStore } from '../../events/index.ts'
import { createHealth, type Health } from '../../internal/index.ts'
import { createKafka } from '../../kafka/connect.ts'
import { type ConsumedRecord, type Kafka, type Producer, connectKafka } from '../../kafka/index.ts'
import { type Proxy, startProxy } from '../../kafka/proxy.testing.ts'
import { createLog } from '../../log/index.ts'
import { type Database, migrate, openDatabase } from '../../postgres/index.ts'
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
} from '../../testing/index.ts'
import { type Relay, type RelayOptions, runRelay } from '../index.ts'

/** What all that is held of the relay starts from: a database with an event store, and a topic that is read along. */

export interface Tables {
  others: { n: number }
}

export const waiting = { timeout: 40_000, interval: 20 }
export const log = createLog('test', 'silent')
export const range = (n: number) => Array.from({ length: n }, (_, i) => i)

export let codec: Codec
export let kafka: Kafka
export let proxy: Proxy
export let overProxy: Kafka
export let telemetry: TestTelemetry
export let fresh: FreshDatabase
export let database: Database<Tables>
export let store: EventStore<TestTopic>
export let topicName: string
export let relays: Relay[]
export let published: ConsumedRecord[]
export let health: Health

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
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
}

export const relay = (options: Partial<RelayOptions> = {}, producer?: Producer): Relay => {
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

export const append = (db: Connection, stream: string, expectedVersion: number, events = 1, key = stream) =>
  store.append(db, {
    ...{ stream, key, expectedVersion },
    events: range(events).map((n) => testEvent('tick', expectedVersion + 1 + n)),
  })

export const header = (record: ConsumedRecord | undefined, name: string) => record?.headers[name]?.toString()
export const nameOf = (record: ConsumedRecord) =>
  `${header(record, 'ce_subject') ?? ''} ${header(record, 'ce_sequence') ?? ''}`
/** What a reader makes of the topic: repetitions, known by their ce_id, left out. */
export const firsts = () => [
  ...new Map(published.map((record) => [header(record, 'ce_id'), record])).values(),
]
export const stored = async () =>
  (
    await sql<{
      name: string
    }>`select stream || ' ' || version as name from events.events order by position`.execute(database.db)
  ).rows.map(({ name }) => name)

/** Everything stored is published, once a reader left out repetitions, and each stream's events in their order. */
export const expectAll = async () => {
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
export const open = async (work: (trx: Kysely<Tables>) => Promise<unknown>) => {
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
export const write = (trx: Kysely<Tables>) => trx.insertInto('others').values({ n: 1 }).execute()
