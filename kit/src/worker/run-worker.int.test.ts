import { deadLetterTopic, connectCodec, topics, toHeaders, type Codec, type Topic } from '@veza/contracts'
import { registerSchemas } from '@veza/contracts/deploy'
import { type Kysely, sql } from 'kysely'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHealth } from '../internal/index.ts'
import { type ConsumedRecord, connectKafka, type Kafka, type Producer } from '../kafka/index.ts'
import { createKafka } from '../kafka/connect.ts'
import { startProxy, type Proxy } from '../kafka/proxy.testing.ts'
import { claimOnce, createInbox, type InboxTable, migrate, openDatabase } from '../postgres/index.ts'
import {
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  testTelemetry,
  type TestTelemetry,
} from '../testing/index.ts'
import {
  dead,
  done,
  type Handle,
  type HandleChunk,
  runWorker,
  skip,
  type Message,
  type WorkerOptions,
} from './index.ts'

type Commands = Topic<'PostMessage'>

const waiting = { timeout: 40_000, interval: 20 }
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

let kafka: Kafka
let producer: Producer
let codec: Codec
let registry: Proxy
let telemetry: TestTelemetry
let topic: Commands
let group: string
let onlyHealthy: () => Promise<string | undefined>
const drops: (() => Promise<unknown>)[] = []
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: 'test', log })
  producer = kafka.producer()
  await registerSchemas(infrastructure().schemaRegistryUrl)
  const url = new URL(infrastructure().schemaRegistryUrl)
  registry = await startProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(registry.port)
  codec = await connectCodec(url.href)
  telemetry = testTelemetry()
})

beforeEach(async () => {
  vi.clearAllMocks()
  onlyHealthy = () => Promise.resolve(undefined)
  group = freshGroup()
  const source = await freshTopic({ prefix: 'worker', partitions: 2 })
  topic = { ...topics.chatCommands, records: ['PostMessage'], name: source.name }
  const letters = { name: deadLetterTopic(group), partitions: 1, replication: 1, config: {} }
  await kafka.admin.createTopics([letters])
  drops.push(() => kafka.admin.deleteTopics([source.name, letters.name]))
  return async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
    await kafka.admin.deleteGroups([group])
  }
})

afterAll(async () => {
  await Promise.all(drops.map((drop) => drop()))
  await kafka.close()
  await registry.close()
  await telemetry.close()
})

const command = (body: string, headers: Record<string, string | Buffer> = {}, key = 'room') => ({
  topic: topic.name,
  key,
  value: codec.encode(topics.chatCommands, 'PostMessage', {
    roomId: randomUUID(),
    senderId: randomUUID(),
    clientMessageId: body,
    body,
    replyTo: null,
    mentions: [],
    trackId: null,
    sentAt: Date.now(),
  }),
  headers: { ...toHeaders({ id: body, type: 'PostMessage', source: '/test', time: Date.now() }), ...headers },
})

function start(
  options: Partial<WorkerOptions<Commands>> & {
    handle?: Handle<Commands>
    handleChunk?: HandleChunk<Commands>
  },
  settings: WorkerOptions<Commands>['settings'] = {},
) {
  const health = createHealth()
  const worker = runWorker<Commands>({
    name: group,
    kafka,
    codec,
    topics: [topic],
    deadLetter: producer,
    dependencies: () => onlyHealthy(),
    health,
    telemetry,
    log,
    settings: {
      retryMinMs: 5,
      retryMaxMs: 50,
      lagIntervalMs: 50,
      commitIntervalMs: 50,
      sessionTimeoutMs: 6000,
      ...settings,
    },
    ...options,
  } as WorkerOptions<Commands>)
  stops.push(() => worker.stop())
  return { worker, health }
}

const collecting = () => {
  const bodies: string[] = []
  return {
    bodies,
    handleChunk: (messages: readonly Message<Commands>[]) => {
      bodies.push(...messages.map(({ value }) => value.body))
      return Promise.resolve(messages.map(() => done))
    },
  }
}

async function letters(count: number): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = []
  const consumer = await kafka.consume({
    groupId: freshGroup(),
    topics: [deadLetterTopic(group)],
    fromBeginning: true,
    onChunk: (chunk) => {
      records.push(...chunk)
      return Promise.resolve()
    },
  })
  await vi.waitFor(() => {
    expect(records.length).toBeGreaterThanOrEqual(count)
  }, waiting)
  await consumer.stop()
  return records
}

const header = (record: ConsumedRecord | undefined, name: string) => record?.headers[name]?.toString()
const noLag = () =>
  vi.waitFor(async () => {
    expect(await kafka.admin.lag(group, [topic.name])).toBe(0)
  }, waiting)

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

describe('bytes that cannot be read', () => {
  it('go to the dead-letter topic as they were, and the partition goes on', async () => {
    const { bodies, handleChunk } = collecting()
    start({ handleChunk })
    const poison = [
      Buffer.from('not avro'),
      Buffer.from([0, 0, 0]),
      Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1]),
    ]
    const key = Buffer.from([255, 254])
    await producer.sendAll([
      command('m0'),
      ...poison.map((value) => ({ topic: topic.name, key, value, headers: {} })),
      { topic: topic.name, key: 'room', value: null, headers: {} },
      command('m1'),
    ])
    await vi.waitFor(() => {
      expect(bodies).toEqual(['m0', 'm1'])
    }, waiting)
    const buried = await letters(4)
    expect(buried.filter(({ value }) => value !== null).map(({ value }) => value)).toEqual(poison)
    expect(buried.filter(({ value }) => value !== null).every((r) => r.keyBytes?.equals(key))).toBe(true)
    expect(buried.map((r) => header(r, 'dlq_exception_class'))).toEqual(Array(4).fill('PoisonRecord'))
    expect(buried.map((r) => header(r, 'dlq_exception_message')?.split(':')[0]).sort()).toEqual([
      'bad-magic',
      'malformed',
      'malformed',
      'unknown-schema',
    ])
    await noLag()
  })

  it('wait for the registry where it is down, and nothing is dead-lettered', async () => {
    const url = new URL(infrastructure().schemaRegistryUrl)
    url.port = String(registry.port)
    const reader = await connectCodec(url.href)
    // A schema id that this reader has to ask for: to it every id is new.
    let isKnown = false
    const forgetful: Codec = {
      ...reader,
      decode: (of, bytes) => (isKnown ? reader.decode(of, bytes) : { unknownSchemaId: 2_000_000_000 }),
      async learn(of, id) {
        await reader.learn(of, id).catch((error: unknown) => {
          // The registry answers again: it does not know the made-up id, which is the answer waited for.
          if (error instanceof Error && error.name === 'PoisonRecord') isKnown = true
          else throw error
        })
      },
    }
    await registry.down(true)
    const { bodies, handleChunk } = collecting()
    const { health } = start({ codec: forgetful, handleChunk }, { notReadyAfterMs: 500, stalledAfterMs: 50 })
    await producer.send(command('m0'))
    await vi.waitFor(async () => {
      expect((await health.readiness())[group]).toContain('schema registry')
    }, waiting)
    // Waiting for others is no reason to be restarted.
    expect(await health.liveness()).toEqual({})
    expect(bodies).toEqual([])
    await registry.down(false)
    await vi.waitFor(() => {
      expect(bodies).toEqual(['m0'])
    }, waiting)
    await noLag()
    expect(await kafka.admin.endOffsets(deadLetterTopic(group))).toEqual([0])
    await vi.waitFor(async () => {
      expect(await health.readiness()).toEqual({})
    }, waiting)
  })
})

describe('failures', () => {
  it('are tried again in place until it works, however long the database is down', async () => {
    let calls = 0
    onlyHealthy = () => Promise.resolve('database: refused')
    const seen: string[] = []
    const { health } = start(
      {
        handleChunk: (messages: readonly Message<Commands>[]) => {
          if (++calls <= 12) throw new TypeError('connection refused')
          seen.push(...messages.map(({ value }) => value.body))
          return Promise.resolve(messages.map(() => done))
        },
      },
      { attemptsBeforeBisect: 2, notReadyAfterMs: 20 },
    )
    await producer.sendAll(range(5).map((n) => command(`m${n}`)))
    await vi.waitFor(async () => {
      expect((await health.readiness())[group]).toBe('database: refused')
    }, waiting)
    await vi.waitFor(() => {
      expect(seen).toEqual(range(5).map((n) => `m${n}`))
    }, waiting)
    await noLag()
    expect(await kafka.admin.endOffsets(deadLetterTopic(group))).toEqual([0])
  })

  it('of one record, everything else healthy, isolate it: its neighbours succeed in order', async () => {
    const seen: string[] = []
    const onDead = vi.fn(() => Promise.resolve())
    start(
      {
        onDead,
        handleChunk: (messages: readonly Message<Commands>[]) => {
          if (messages.some(({ value }) => value.body === 'm7')) throw new RangeError('m7 is not for me')
          seen.push(...messages.map(({ value }) => value.body))
          return Promise.resolve(messages.map(() => done))
        },
      },
      { attemptsBeforeBisect: 3 },
    )
    await producer.sendAll(range(20).map((n) => command(`m${n}`)))
    const [letter] = await letters(1)
    expect(header(letter, 'ce_id')).toBe('m7')
    expect(header(letter, 'dlq_exception_class')).toBe('RangeError')
    expect(header(letter, 'dlq_exception_message')).toBe('m7 is not for me')
    expect(Number(header(letter, 'dlq_attempts'))).toBeGreaterThanOrEqual(3)
    await vi.waitFor(() => {
      const others = range(20).filter((n) => n !== 7)
      expect(seen).toEqual(others.map((n) => `m${n}`))
    }, waiting)
    await noLag()
    expect(onDead).toHaveBeenCalledTimes(1)
  })

  it('of the dead-letter topic or of onDead are tried again: no record is skipped', async () => {
    let failures = 0
    const failing = <T>(value: T) =>
      ++failures <= 3 ? Promise.reject(new Error('down')) : Promise.resolve(value)
    const onDead = vi.fn(() => failing(undefined))
    const send = vi.fn<Producer['send']>(async (record) => {
      if (send.mock.calls.length <= 3) throw new Error('down')
      await producer.send(record)
    })
    start({ deadLetter: { ...producer, send }, onDead, handle: () => Promise.resolve(dead('no')) })
    await producer.send(command('m0'))
    expect(await letters(1)).toHaveLength(1)
    await noLag()
    expect(onDead).toHaveBeenCalledTimes(4)
  })

  it('of a handler of single messages repeat only what is not done', async () => {
    const seen: string[] = []
    let failures = 0
    start({
      handle: ({ value }: Message<Commands>) => {
        if (value.body === 'm3' && ++failures <= 2) return Promise.reject(new Error('not yet'))
        seen.push(value.body)
        return Promise.resolve(done)
      },
    })
    await producer.sendAll(range(6).map((n) => command(`m${n}`)))
    await vi.waitFor(() => {
      expect(seen).toEqual(range(6).map((n) => `m${n}`))
    }, waiting)
  })

  it('make it not live when nothing moves though there is lag', async () => {
    let release: () => void = () => undefined
    const stuck = new Promise<void>((resolve) => {
      release = resolve
    })
    const { health } = start(
      { handleChunk: (messages) => stuck.then(() => messages.map(() => done)) },
      { stalledAfterMs: 100, lagIntervalMs: 20 },
    )
    await producer.send(command('m0'))
    await vi.waitFor(async () => {
      expect((await health.liveness())[group]).toMatch(/no progress for \d+ ms with a lag of 1/)
    }, waiting)
    release()
    await vi.waitFor(async () => {
      expect(await health.liveness()).toEqual({})
    }, waiting)
  })
})

describe('stopping', () => {
  it('finishes and commits the chunk in flight, and only that', async () => {
    const seen: string[] = []
    let release: () => void = () => undefined
    const handling = vi.fn()
    const { worker } = start(
      {
        handleChunk: async (messages: readonly Message<Commands>[]) => {
          handling()
          await new Promise<void>((resolve) => {
            release = resolve
          })
          seen.push(...messages.map(({ value }) => value.body))
          return messages.map(() => done)
        },
      },
      { maxChunkRecords: 4, commitIntervalMs: 3_600_000 },
    )
    await producer.sendAll(range(10).map((n) => command(`m${n}`)))
    await vi.waitFor(() => {
      expect(handling).toHaveBeenCalled()
    }, waiting)
    const stopping = worker.stop()
    release()
    await stopping
    await worker.finished
    const rest = collecting()
    start(rest)
    await vi.waitFor(() => {
      expect([...seen, ...rest.bodies]).toEqual(range(10).map((n) => `m${n}`))
    }, waiting)
  })

  it('does not wait for what is down', async () => {
    onlyHealthy = () => Promise.resolve('database: refused')
    const tried = vi.fn()
    const { worker } = start({
      handleChunk: () => {
        tried()
        return Promise.reject(new Error('refused'))
      },
    })
    await producer.send(command('m0'))
    await vi.waitFor(() => {
      expect(tried).toHaveBeenCalled()
    }, waiting)
    await worker.stop()
    const { bodies, handleChunk } = collecting()
    start({ handleChunk })
    await vi.waitFor(() => {
      expect(bodies).toEqual(['m0'])
    }, waiting)
  })
})

describe('effects', () => {
  it('are taken once though a member dies between effect and commit', async () => {
    interface Tables {
      inbox: InboxTable
      effects: { id: string }
    }
    const database = await freshDatabase()
    drops.push(() => database.drop())
    await migrate(database.url, {
      '001': {
        up: async (db: Kysely<unknown>) => {
          await createInbox(db)
          await sql`create table effects (id text not null)`.execute(db)
        },
      },
    })
    const { db, close } = openDatabase<Tables>(database.url, {
      applicationName: 'test',
      poolSize: 2,
      log,
    } as never)
    const seen: string[] = []
    const handleChunk = (messages: readonly Message<Commands>[]) =>
      db.transaction().execute(async (trx) => {
        seen.push(...messages.map(({ id }) => id))
        const fresh = await claimOnce(
          trx,
          group,
          messages.map(({ id }) => id),
        )
        const rows = [...fresh].map((id) => ({ id }))
        if (rows.length > 0) await trx.insertInto('effects').values(rows).execute()
        return messages.map(() => done)
      })
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
