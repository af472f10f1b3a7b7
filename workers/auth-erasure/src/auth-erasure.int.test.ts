import { randomBytes, randomUUID } from 'node:crypto'
import { migrateAuth } from '@veza/auth/migrate'
import { connectCodec, deadLetterTopic, toHeaders, topics } from '@veza/contracts'
import { readEnv } from '@veza/kit/env'
import { createHealth } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { freshDatabase, freshGroup, freshTopic, infrastructure, testTelemetry } from '@veza/kit/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { authErasureEnvironment, openAuthErasure } from './index.ts'

const waiting = { timeout: 40_000, interval: 50 }
const log = createLog('test', 'silent')

it('forgets in auth whom users has forgotten, once, and passes over what else happens', async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrateAuth(fresh.url)
  const database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 1, log })
  onTestFinished(() => database.close())
  const name = freshGroup('auth-erasure')
  const source = await freshTopic({ prefix: 'users.events', partitions: 2 })
  onTestFinished(() => source.drop())
  const dead = await freshTopic({ prefix: deadLetterTopic(name).replace(/\.v1$/, '') })
  onTestFinished(() => dead.drop())
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())

  const env = readEnv(authErasureEnvironment, {
    AUTH_DATABASE_URL: fresh.url,
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  })
  const fail = vi.fn()
  const topic = { ...topics.usersEvents, name: source.name } as typeof topics.usersEvents
  const common = { kafka, codec, health: createHealth(), telemetry, log, fail }
  const worker = await openAuthErasure(env, common, { topic, name })
  onTestFinished(() => worker.stop())

  const producer = kafka.producer()
  onTestFinished(() => producer.close())
  const tell = (userId: string) =>
    producer.send({
      topic: source.name,
      key: userId,
      value: codec.encode(topics.usersEvents, 'UserErased', { userId, erasedAt: 0 }),
      headers: toHeaders({ id: randomUUID(), type: 'UserErased', source: '/users', time: 0 }),
    })
  const [first, second] = [randomUUID(), randomUUID()]
  const value = codec.encode(topics.usersEvents, 'ErasureCancelled', { userId: first, cancelledAt: 0 })
  await producer.send({ topic: source.name, key: first, value, headers: {} })
  for (const userId of [first, first, second]) await tell(userId)

  await vi.waitFor(async () => {
    const { rows } = await database.pool.query<{ subject: string }>(
      'select subject from sealing.data_keys where erased_at is not null',
    )
    expect(rows.map(({ subject }) => subject).sort()).toEqual([first, second].sort())
  }, waiting)
  expect(fail).not.toHaveBeenCalled()
})
