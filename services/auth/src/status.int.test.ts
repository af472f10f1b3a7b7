import { randomUUID } from 'node:crypto'
import { deadLetterTopic } from '@veza/contracts'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { type ConsumedRecord, type Producer } from '@veza/kit/kafka'
import { startTelemetry, type Telemetry } from '@veza/kit/telemetry'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type AuthOperations, openAuthOperations } from '@veza/auth'
import { createLog } from '@veza/kit/log'
import { type FreshTopic, freshGroup, freshTopic } from '@veza/kit/testing'
import { type AuthFixture, openAuthFixture, type ProblemBody } from './testing/auth-fixture.ts'

interface StatusBody {
  overSeconds: number | null
  processes: { name: string; kind: string | null; state: string; failing: object; upSeconds: number | null }[]
  groups: { group: string; lag: number; deadLetters: number }[] | null
  messagesPerSecond: number | null
  sockets: number | null
  delivery: { p50: number | null; p99: number | null }
  transcodes: { waiting: number | null; running: number | null }
}
interface Letter {
  id: string
  eventId: string | null
  reason: string
  redriven: { by: string; at: string } | null
}

// Of a group that no other test has dead letters of.
const group = 'users-exports'
let source: FreshTopic
const health = createHealth()
let fixture: AuthFixture
let operations: AuthOperations
let edge: Telemetry
let listener: Awaited<ReturnType<typeof serveInternal>>
let producer: Producer
let admin: { token: string; id: string }
let plain: string

beforeAll(async () => {
  edge = startTelemetry({ service: 'realtime', sampleRatio: 0 })
  listener = await serveInternal({ host: '127.0.0.1', port: 0, health, metrics: () => edge.metrics() })
  fixture = await openAuthFixture({
    STATUS_PROCESSES: [
      { name: 'realtime', url: `http://127.0.0.1:${listener.port}` },
      { name: 'workers', url: 'http://127.0.0.1:1' },
    ],
  })
  producer = fixture.kafka.producer()
  const { codec, kafka, now } = fixture
  operations = await openAuthOperations(fixture.settings, { log: createLog('auth', 'silent'), codec, now })
  const laidAside = { name: deadLetterTopic(group), partitions: 6, replication: 1, config: {} }
  await kafka.admin.createTopics([laidAside])
  source = await freshTopic()
  const person = await fixture.person()
  plain = person.accessToken
  const other = await fixture.person()
  await operations.grantRole({ email: other.user.email, role: 'admin' })
  const { body } = await fixture.post('/v1/auth/login', { email: other.user.email, password: other.password })
  admin = { token: body.accessToken, id: body.user.id }
})
afterAll(async () => {
  await source.drop()
  await operations.close()
  await fixture.close()
  await listener.close(0)
  await edge.close()
})

/** Lays one aside as the group's worker does. @returns its ce_id */
const bury = async (): Promise<string> => {
  const eventId = randomUUID()
  await producer.send({
    ...{ topic: deadLetterTopic(group), key: 'somebody', value: Buffer.from('no record') },
    headers: {
      ...{
        ce_id: eventId,
        ce_type: 'UserErased',
        dlq_original_topic: source.name,
        dlq_original_partition: '1',
      },
      ...{ dlq_original_offset: '42', dlq_group: group, dlq_exception_class: 'PoisonRecord' },
      ...{ dlq_exception_message: 'malformed', dlq_attempts: '0' },
    },
  })
  return eventId
}
const letters = async (): Promise<Letter[]> => {
  const path = `/v1/admin/dead-letters?group=${group}&limit=200`
  const { status, body } = await fixture.get<{ deadLetters: Letter[] }>(path, admin.token)
  expect(status).toBe(200)
  return body.deadLetters
}
const letterOf = async (eventId: string): Promise<Letter> => {
  const found = (await letters()).find((letter) => letter.eventId === eventId)
  if (found === undefined) throw new Error('no such letter')
  return found
}
const redrive = (id: string, accessToken: string | undefined = admin.token) =>
  fixture.send<ProblemBody | undefined>('POST', `/v1/admin/dead-letters/${id}/redrive`, undefined, {
    accessToken,
  })
const status = async (): Promise<StatusBody> => {
  const answered = await fixture.get<StatusBody>('/v1/admin/status', admin.token)
  expect(answered.status).toBe(200)
  return answered.body
}

describe('who may see the machine', () => {
  it.each([
    ['GET', '/v1/admin/status'],
    ['GET', '/v1/admin/dead-letters'],
    ['POST', `/v1/admin/dead-letters/${group}.0.0/redrive`],
  ])('%s %s is for administrators', async (method, path) => {
    const nobody = await fixture.send<ProblemBody>(method, path)
    expect([nobody.status, nobody.body.code]).toEqual([401, 'token-missing'])
    const other = await fixture.send<ProblemBody>(method, path, undefined, { accessToken: plain })
    expect([other.status, other.body.code]).toEqual([403, 'scope-missing'])
    expect(other.headers.get('content-type')).toContain('application/problem+json')
  })
})

describe('the status', () => {
  it('tells what each process says of itself, also while another is away', async () => {
    edge.meter.createObservableGauge('ws_connections').addCallback((result) => {
      result.observe(7)
    })
    const settled = edge.meter.createCounter('chat_commands_settled')
    const delay = edge.meter.createHistogram('event_to_socket', { unit: 's' })
    settled.add(10)
    const first = await status()
    expect(first).toMatchObject({ overSeconds: null, messagesPerSecond: null, sockets: 7 })
    expect(first.delivery).toEqual({ p50: null, p99: null })
    expect(first.processes).toEqual([
      expect.objectContaining({ name: 'realtime', kind: 'websocket', state: 'ready', failing: {} }),
      expect.objectContaining({ name: 'workers', kind: null, state: 'away', upSeconds: null }),
    ])
    settled.add(50, { outcome: 'message-posted' })
    delay.record(0.004)
    health.ready('kafka', () => 'no answer')
    // Whoever asks at once is told the same.
    const second = await vi.waitUntil(
      async () => {
        const seen = await status()
        return seen.overSeconds !== null && seen
      },
      { timeout: 10_000, interval: 200 },
    )
    expect((second.messagesPerSecond ?? 0) * (second.overSeconds ?? 0)).toBeCloseTo(50)
    expect(second.delivery.p50).toBeCloseTo(0.00375)
    expect(second.processes[0]).toMatchObject({ state: 'not-ready', failing: { kafka: 'no answer' } })
    expect(second.transcodes).toEqual({ waiting: null, running: null })
  })

  it('tells how far each consumer group is', async () => {
    const groupId = freshGroup()
    const consumer = await fixture.kafka.consume({
      ...{ groupId, topics: [source.name], fromBeginning: true, commitIntervalMs: 10 },
      onChunk: () => Promise.resolve(),
    })
    await producer.send({ topic: source.name, key: 'a', value: Buffer.from('a'), headers: {} })
    const told = async () => (await status()).groups?.find((one) => one.group === groupId)
    const waiting = { timeout: 20_000, interval: 300 }
    await vi.waitFor(async () => {
      expect(await told()).toMatchObject({ state: 'Stable', members: 1, lag: 0, deadLetters: 0 })
    }, waiting)
    await consumer.stop()
    await producer.send({ topic: source.name, key: 'a', value: Buffer.from('b'), headers: {} })
    await vi.waitFor(async () => {
      const topics = [{ topic: source.name, lag: 1 }]
      expect(await told()).toMatchObject({ state: 'Empty', members: 0, lag: 1, topics })
    }, waiting)
  })
})

describe('a dead letter', () => {
  it('is written to its topic again, once, and the audit tells by whom', async () => {
    const seen: ConsumedRecord[] = []
    const onRecords = (records: ConsumedRecord[]) => void seen.push(...records)
    const consumer = await fixture.kafka.consume({ topics: [source.name], from: 'end', onRecords })
    const eventId = await bury()
    const waiting = await letterOf(eventId)
    expect(waiting).toMatchObject({
      ...{
        group,
        topic: source.name,
        partition: 1,
        offset: 42,
        type: 'UserErased',
        errorClass: 'PoisonRecord',
      },
      ...{ reason: 'malformed', attempts: 0, size: 9, redriven: null },
    })
    expect((await redrive(waiting.id)).status).toBe(204)
    await vi.waitFor(() => {
      const [record] = seen
      expect([record?.key, record?.value?.toString()]).toEqual(['somebody', 'no record'])
      expect(Object.keys(record?.headers ?? {}).sort()).toEqual(['ce_id', 'ce_type'])
    })
    expect((await letterOf(eventId)).redriven).toEqual({ by: admin.id, at: expect.any(String) as string })

    const again = await redrive(waiting.id)
    expect([again.status, again.body?.code]).toEqual([409, 'already-redriven'])
    expect(seen).toHaveLength(1)
    const audit = await fixture.get<{ entries: { actor: string; details: object }[] }>(
      '/v1/audit?type=DeadLetterRedriven&context=auth',
      admin.token,
    )
    expect(audit.body.entries).toEqual([
      expect.objectContaining({
        actor: admin.id,
        details: expect.objectContaining({ group, eventId }) as object,
      }),
    ])
    await consumer.stop()
  })

  it('is redriven by operators too', async () => {
    const eventId = await bury()
    const { id } = await letterOf(eventId)
    const [, partition, offset] = id.split('.')
    await operations.redrive(
      { group, partition: Number(partition), offset: Number(offset) },
      { kafka: fixture.kafka, producer },
    )
    expect((await letterOf(eventId)).redriven?.by).toBe('operator')
  })

  it('that there is not is not found, and a name that is none is refused', async () => {
    const gone = await redrive(`${group}.0.999999`)
    expect([gone.status, gone.body?.code]).toEqual([404, 'no-such-dead-letter'])
    for (const id of ['nobody.0.0', `${group}.0.-1`, `${group}.0`, '..%2f..'])
      expect((await redrive(id)).status).toBe(400)
  })
})
