import { type Kysely, sql } from 'kysely'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { createKafka } from '../kafka/connect.ts'
import { startProxy } from '../kafka/proxy.testing.ts'
import { migrate, openDatabase } from '../postgres/index.ts'
import { freshDatabase, infrastructure } from '../testing/index.ts'
import { dead, done, skip, type Message } from './index.ts'
import {
  waiting,
  log,
  range,
  producer,
  telemetry,
  topic,
  group,
  drops,
  command,
  start,
  letters,
  header,
  noLag,
  type Commands,
  hooks,
} from './testing/run-worker.ts'

hooks()

describe('outcomes', () => {
  it('hands over what was decoded, and commits after the effect', async () => {
    const seen: Message<Commands>[] = []
    start({
      handle: (message: Message<Commands>) => {
        seen.push(message)
        return Promise.resolve(seen.length % 2 === 0 ? skip('even') : done)
      },
    })
    await producer.sendAll(range(10).map((n) => command(`m${n}`)))
    await vi.waitFor(() => {
      expect(seen.map(({ value }) => value.body)).toEqual(range(10).map((n) => `m${n}`))
    }, waiting)
    expect(seen[0]).toMatchObject({ type: 'PostMessage', id: 'm0', traceparent: undefined })
    await noLag()
    await vi.waitFor(async () => {
      const metrics = await telemetry.metrics()
      expect(metrics).toMatch(new RegExp(`kafka_consumergroup_lag{[^}]*${group}[^}]*} 0`))
      expect(metrics).toMatch(new RegExp(`worker_outcomes_total{[^}]*${group}[^}]*skip[^}]*} 5`))
      expect(metrics).toMatch(new RegExp(`messaging_client_consumed_messages_total{[^}]*${group}[^}]*} 10`))
      expect(metrics).toMatch(/messaging_process_duration_seconds_count/)
    }, waiting)
  })

  it('dead-letters what the handler calls dead, as it was, and tells', async () => {
    const onDead = vi.fn(() => Promise.resolve())
    start({
      onDead,
      handle: ({ value }: Message<Commands>) => Promise.resolve(value.body === 'm1' ? dead('never') : done),
    })
    const binary = Buffer.from([0, 255])
    const sent = command('m1', { binary, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` })
    await producer.sendAll([command('m0'), sent, command('m2')])
    const [letter, ...others] = await letters(1)
    expect(others).toEqual([])
    expect(letter).toMatchObject({ key: 'room', value: sent.value, headers: { binary } })
    expect(header(letter, 'ce_id')).toBe('m1')
    expect(header(letter, 'traceparent')).toBe(sent.headers['traceparent'])
    expect(header(letter, 'dlq_original_topic')).toBe(topic.name)
    expect(header(letter, 'dlq_original_partition')).toMatch(/^[01]$/)
    expect(header(letter, 'dlq_original_offset')).toBe('1')
    expect(header(letter, 'dlq_original_timestamp')).toMatch(/^\d{13}$/)
    expect(header(letter, 'dlq_group')).toBe(group)
    expect(header(letter, 'dlq_exception_class')).toBe('Dead')
    expect(header(letter, 'dlq_exception_message')).toBe('never')
    expect(header(letter, 'dlq_first_failed_at')).toMatch(/Z$/)
    await noLag()
    expect(onDead).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ reason: 'never' }))
    expect(await telemetry.metrics()).toMatch(new RegExp(`dlq_messages_total{[^}]*${group}[^}]*} 1`))
  })
})

describe('effects', () => {
  it('are taken once though a member dies between effect and commit', async () => {
    interface Tables {
      effects: { id: string }
    }
    const database = await freshDatabase()
    drops.push(() => database.drop())
    await migrate(database.url, {
      '001': {
        up: async (db: Kysely<unknown>) => {
          await sql`create table effects (id text primary key)`.execute(db)
        },
      },
    })
    const { db, close } = openDatabase<Tables>(database.url, {
      applicationName: 'test',
      poolSize: 2,
      log,
    } as never)
    const seen: string[] = []
    const handleChunk = async (messages: readonly Message<Commands>[]) => {
      const rows = messages.map(({ id }) => ({ id }))
      seen.push(...rows.map(({ id }) => id))
      await db
        .insertInto('effects')
        .values(rows)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      return messages.map(() => done)
    }
    // The first member loses its network after the effect and before the commit: as good as killed.
    const { kafkaBrokers } = infrastructure()
    const [host = '', port = ''] = kafkaBrokers[0]?.split(':') ?? []
    const network = await startProxy({ host, port: Number(port) })
    const dying = createKafka(kafkaBrokers, { clientId: 'dying', log }, () =>
      connect(network.port, '127.0.0.1'),
    )
    const first = start({ kafka: dying, handleChunk }, { commitIntervalMs: 3_600_000 })
    await producer.sendAll(range(50).map((n) => command(`m${n}`)))
    await vi.waitFor(() => {
      expect(seen).toHaveLength(50)
    }, waiting)
    await network.down(true)
    const stopping = first.worker.stop()
    start({ handleChunk })
    await vi.waitFor(() => {
      expect(seen).toHaveLength(100)
    }, waiting)
    await noLag()
    await stopping
    const rows = await db.selectFrom('effects').select('id').execute()
    expect(rows.map(({ id }) => id).sort()).toEqual(
      range(50)
        .map((n) => `m${n}`)
        .sort(),
    )
    await close()
    await dying.close()
    await network.close()
  })
})

describe('spans', () => {
  it('join the trace of the producer where it is recorded, and hand it on', async () => {
    const traceId = 'c'.repeat(32)
    const parent = 'd'.repeat(16)
    const seen: (string | undefined)[] = []
    start({
      handle: (message: Message<Commands>) => {
        seen.push(message.traceparent)
        return Promise.resolve(done)
      },
    })
    const unsampled = `00-${'e'.repeat(32)}-${parent}-00`
    await producer.sendAll([
      command('m0', { traceparent: `00-${traceId}-${parent}-01` }),
      command('m1', { traceparent: unsampled }),
      command('m2'),
    ])
    await vi.waitFor(() => {
      expect(seen).toHaveLength(3)
      expect(telemetry.spans().filter((span) => span.name === `process ${topic.name}`)).toHaveLength(1)
    }, waiting)
    const [span] = telemetry.spans().filter(({ name }) => name === `process ${topic.name}`)
    expect(span?.spanContext().traceId).toBe(traceId)
    expect(span?.parentSpanContext?.spanId).toBe(parent)
    expect(seen).toEqual([`00-${traceId}-${span?.spanContext().spanId ?? ''}-01`, unsampled, undefined])
  })
})
