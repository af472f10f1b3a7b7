import { randomUUID } from 'node:crypto'
import { toHeaders, topics } from '@veza/contracts'
import { headerOf } from '@veza/kit/kafka'
import { expect, inject, it, onTestFinished, vi } from 'vitest'
import { register, request } from '../support/api.ts'
import { collect, openCodec, openKafka } from './kafka.ts'
import { connect } from './people.ts'

const waiting = { timeout: 40_000, interval: 100 }

it('closes the sockets of a session that is revoked, for good, and those of no other', async () => {
  const { http } = inject('veza')
  const [ann, bob] = [await register(http, 'Ann'), await register(http, 'Bob')]
  const [annSdk, bobSdk] = [await connect(ann), await connect(bob)]
  const closed: number[] = []
  annSdk.client.on('disconnected', ({ code }) => closed.push(code))

  const answer = await request(http, 'DELETE', '/v1/auth/sessions', { token: ann.token })
  expect(answer.status).toBe(204)
  await vi.waitFor(() => {
    expect(closed).toHaveLength(1)
  }, waiting)
  // From 3500 on SDKs do not come back by themselves.
  expect(closed[0]).toBeGreaterThanOrEqual(3500)
  expect(bobSdk.client.state).toBe('connected')
})

it('makes a person who is erased unreadable on the topic, and their account unusable', async () => {
  const { http } = inject('veza')
  const email = `${randomUUID()}@example.org`
  const password = `a long one ${randomUUID()}`
  const registration = { email, password, displayName: 'Ann' }
  const { body } = await request(http, 'POST', '/v1/auth/register', { body: registration })
  const { user, refreshToken } = body as { user: { id: string }; refreshToken: string }
  const [kafka, codec] = [openKafka(), await openCodec()]
  const records = await collect(kafka, topics.authEvents.name)
  const types = () =>
    records.filter(({ key }) => key === user.id).map((record) => headerOf(record, 'ce_type'))
  await vi.waitFor(() => {
    expect(types()).toEqual(['UserRegistered', 'SessionStarted'])
  }, waiting)

  const producer = kafka.producer()
  onTestFinished(() => producer.close())
  await producer.send({
    topic: topics.usersEvents.name,
    key: user.id,
    value: codec.encode(topics.usersEvents, 'UserErased', { userId: user.id, erasedAt: Date.now() }),
    headers: toHeaders({ id: randomUUID(), type: 'UserErased', source: '/e2e', time: Date.now() }),
  })
  await vi.waitFor(() => {
    expect(types()).toEqual(['UserRegistered', 'SessionStarted', 'AccountErased', 'SessionRevoked'])
  }, waiting)

  const signIn = await request(http, 'POST', '/v1/auth/login', { body: { email, password } })
  expect(signIn.status).toBe(401)
  const refresh = await request(http, 'POST', '/v1/auth/refresh', { body: { refreshToken } })
  expect(refresh.status).toBe(401)
  for (const { value } of records) expect(value?.includes(email)).toBe(false)
})
