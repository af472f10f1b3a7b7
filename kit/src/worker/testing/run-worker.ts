import { deadLetterTopic, connectCodec, topics, toHeaders, type Codec, type Topic } from '@veza/contracts'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest'
import { createHealth } from '../../internal/index.ts'
import { type ConsumedRecord, connectKafka, type Kafka, type Producer } from '../../kafka/index.ts'
import { startProxy, type Proxy } from '../../kafka/proxy.testing.ts'
import {
  freshGroup,
  freshTopic,
  infrastructure,
  testTelemetry,
  type TestTelemetry,
} from '../../testing/index.ts'
import { done, type Handle, type HandleChunk, runWorker, type Message, type WorkerOptions } from '../index.ts'

/** What all that is held of workers starts from: a topic, a group and its dead letters, of each test's own. */

export type Commands = Topic<'PostMessage'>

export const waiting = { timeout: 40_000, interval: 20 }
export const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
export const range = (n: number) => Array.from({ length: n }, (_, i) => i)

export let kafka: Kafka
export let producer: Producer
export let codec: Codec
export let registry: Proxy
export let telemetry: TestTelemetry
export let topic: Commands
export let group: string
/** What a worker's other needs are; a test may have one fail. */
export const needs = { check: (): Promise<string | undefined> => Promise.resolve(undefined) }
export const drops: (() => Promise<unknown>)[] = []
const stops: (() => Promise<void>)[] = []

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: 'test', log })
    producer = kafka.producer()
    const url = new URL(infrastructure().schemaRegistryUrl)
    registry = await startProxy({ host: url.hostname, port: Number(url.port) })
    url.port = String(registry.port)
    codec = await connectCodec(url.href)
    telemetry = testTelemetry()
  })

  beforeEach(async () => {
    vi.clearAllMocks()
    needs.check = () => Promise.resolve(undefined)
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
    await Promise.all(drops.splice(0).map((drop) => drop()))
    await kafka.close()
    await registry.close()
    await telemetry.close()
  })
}

export const command = (body: string, headers: Record<string, string | Buffer> = {}, key = 'room') => ({
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
    trackPositionMs: null,
    sentAt: Date.now(),
  }),
  headers: { ...toHeaders({ id: body, type: 'PostMessage', source: '/test', time: Date.now() }), ...headers },
})

export function start(
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
    dependencies: () => needs.check(),
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

export const collecting = () => {
  const bodies: string[] = []
  return {
    bodies,
    handleChunk: (messages: readonly Message<Commands>[]) => {
      bodies.push(...messages.map(({ value }) => value.body))
      return Promise.resolve(messages.map(() => done))
    },
  }
}

export async function letters(count: number): Promise<ConsumedRecord[]> {
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

export const header = (record: ConsumedRecord | undefined, name: string) => record?.headers[name]?.toString()
export const noLag = () =>
  vi.waitFor(async () => {
    expect(await kafka.admin.lag(group, [topic.name])).toBe(0)
  }, waiting)
