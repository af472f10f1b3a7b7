import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, vi } from 'vitest'
import { freshGroup, freshTopic, infrastructure } from '../../testing/index.ts'
import { createKafka } from '../connect.ts'
import { connectKafka } from '../index.ts'
import { type Proxy, startProxy } from '../proxy.testing.ts'
import { type ConsumedRecord, type GroupOptions, type Kafka } from '../types.ts'

/** What all that is held of the port to Kafka starts from: a topic and a group of each test's own, and a way over a proxy. */

export const silent = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
export const partitions = 3
export const waiting = { timeout: 40_000, interval: 20 }
// Long enough for a busy machine.
const sessionTimeoutMs = 6_000
/** Of tests that wait for the end of a session. */
export const shortSessionMs = 3_000

export let direct: Kafka
export let proxied: Kafka
export let proxy: Proxy
export let topic: string
export let group: string
export const drops: (() => Promise<void>)[] = []
export const closes: (() => Promise<void>)[] = []

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    const brokers = infrastructure().kafkaBrokers
    direct = connectKafka(brokers, { clientId: 'test', log: silent })
    const [host = '', port = ''] = brokers[0]?.split(':') ?? []
    proxy = await startProxy({ host, port: Number(port) })
    proxied = createKafka(brokers, { clientId: 'test', log: silent }, () => connect(proxy.port, '127.0.0.1'))
  })

  beforeEach(async () => {
    vi.clearAllMocks()
    const fresh = await freshTopic({ prefix: 'conformance', partitions })
    drops.push(() => fresh.drop())
    topic = fresh.name
    group = freshGroup()
    return async () => {
      await Promise.all(closes.splice(0).map((close) => close()))
      await direct.admin.deleteGroups([group])
    }
  })

  afterAll(async () => {
    await Promise.all([direct.close(), proxied.close()])
    await proxy.close()
    await Promise.all(drops.splice(0).map((drop) => drop()))
  })
}

export const record = (key: string, n: number, to = topic) => ({
  topic: to,
  key,
  value: Buffer.from(String(n)),
  headers: { ce_id: `${key}-${n}` },
})

export const idOf = ({ headers }: ConsumedRecord) => headers['ce_id']?.toString() ?? ''
export const numbersOf = (records: readonly ConsumedRecord[], key: string) =>
  records.filter((r) => r.key === key).map(({ value }) => Number(value?.toString()))
export const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** The first time that each record was seen, in order. */
export const firsts = (records: readonly ConsumedRecord[]) => {
  const seen = new Set<string>()
  return records.filter((r) => !seen.has(idOf(r)) && seen.add(idOf(r)))
}

export async function producer(kafka = direct, settings = {}) {
  const created = kafka.producer({ requestTimeoutMs: 2000, ...settings })
  closes.push(() => created.close())
  await Promise.resolve()
  return created
}

export async function consume(
  options: Partial<GroupOptions> & Pick<GroupOptions, 'onChunk'>,
  kafka = direct,
) {
  const consumer = await kafka.consume({
    groupId: group,
    topics: [topic],
    fromBeginning: true,
    sessionTimeoutMs,
    ...options,
  })
  closes.push(() => consumer.stop())
  return consumer
}

export async function collect(options: Partial<GroupOptions> = {}, kafka = direct) {
  const records: ConsumedRecord[] = []
  const consumer = await consume(
    {
      onChunk: (chunk) => {
        records.push(...chunk)
        return Promise.resolve()
      },
      ...options,
    },
    kafka,
  )
  return { records, consumer }
}

export async function tail(kafka = direct, onJoin = () => undefined) {
  const records: ConsumedRecord[] = []
  const consumer = await kafka.consume({
    topics: [topic],
    from: 'end',
    sessionTimeoutMs,
    onJoin,
    onRecords: (more) => void records.push(...more),
  })
  closes.push(() => consumer.stop())
  return { records, consumer }
}

export const committed = async () =>
  (await direct.admin.committedOffsets(group, topic)).reduce<number>((sum, offset) => sum + (offset ?? 0), 0)
