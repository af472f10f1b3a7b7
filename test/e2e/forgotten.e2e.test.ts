import { topics } from '@veza/contracts'
import { expect, inject, test, vi } from 'vitest'
import { register, request } from '../support/api.ts'
import { collect, openKafka } from './kafka.ts'

const waiting = { timeout: 60_000, interval: 100 }

interface JobBody {
  state: string
  download: string | null
}

test('somebody signs up, is found and followed, takes a copy of all there is, and is forgotten', async () => {
  const { http } = inject('veza')
  const call = (token: string, method: string, path: string, body?: unknown) =>
    request(http, method, path, { token, ...(body === undefined ? {} : { body }) })
  const ana = await register(http, 'Ana')
  const me = await call(ana.token, 'GET', '/v1/users/me')
  expect(me).toMatchObject({ status: 200, body: { id: ana.id, displayName: 'Ana' } })

  const word = `word${ana.id.slice(0, 8)}`
  const changes = { displayName: `${word} Ana`, bio: `${word} bio`, private: { fullName: `${word} name` } }
  expect((await call(ana.token, 'PATCH', '/v1/users/me', changes)).status).toBe(200)
  expect(await call(ana.token, 'GET', '/v1/users/me')).toMatchObject({ body: changes })

  // Bob never asks for his profile: that he signed up is enough.
  const bob = await register(http, 'Bob')
  await vi.waitFor(async () => {
    expect((await call(ana.token, 'GET', `/v1/users/${bob.id}`)).status).toBe(200)
  }, waiting)
  expect((await call(bob.token, 'PUT', `/v1/users/${ana.id}/follow`)).status).toBe(200)
  expect(await call(bob.token, 'GET', `/v1/users/${ana.id}`)).toMatchObject({
    body: { followers: 1, relationship: { following: 'following' } },
  })
  expect(await call(bob.token, 'GET', `/v1/users?q=${word}`)).toMatchObject({
    body: { users: [{ id: ana.id }] },
  })

  await call(ana.token, 'GET', '/v1/users/me/export')
  const job = await vi.waitFor(async () => {
    const { body } = await call(ana.token, 'GET', '/v1/users/me/export')
    expect((body as JobBody).state).toBe('ready')
    return body as JobBody
  }, waiting)
  expect(await call(ana.token, 'GET', job.download ?? '')).toMatchObject({
    status: 200,
    body: { users: { profile: { bio: `${word} bio` }, followers: [{ userId: bob.id }] } },
  })

  expect(await call(ana.token, 'DELETE', '/v1/users/me')).toMatchObject({
    status: 202,
    body: { state: 'erased' },
  })
  await vi.waitFor(async () => {
    expect((await call(bob.token, 'GET', `/v1/users/${ana.id}`)).status).toBe(404)
    expect(await call(bob.token, 'GET', `/v1/users?q=${word}`)).toMatchObject({ body: { users: [] } })
  }, waiting)
  expect((await call(ana.token, 'GET', '/v1/users/me')).status).toBe(410)

  const records = await collect(openKafka(), topics.usersEvents.name)
  await vi.waitFor(() => {
    expect(records.filter(({ key }) => key === ana.id).length).toBeGreaterThanOrEqual(6)
  }, waiting)
  for (const { value } of records) expect(value?.includes(word)).not.toBe(true)
})
