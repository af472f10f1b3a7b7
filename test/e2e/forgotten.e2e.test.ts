import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topics } from '@veza/contracts'
import { makeAudio } from '@veza/kit/testing'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { createRoom, register, request } from '../support/api.ts'
import { uploadTrack } from '../support/audio.ts'
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
  const word = `word${randomBytes(8).toString('hex')}`
  const ana = await register(http, `${word} as ever`)
  const me = await call(ana.token, 'GET', '/v1/users/me')
  expect(me).toMatchObject({ status: 200, body: { id: ana.id, displayName: `${word} as ever` } })

  const changes = { displayName: `${word} Ana`, bio: `${word} bio`, private: { fullName: `${word} name` } }
  expect((await call(ana.token, 'PATCH', '/v1/users/me', changes)).status).toBe(200)
  expect(await call(ana.token, 'GET', '/v1/users/me')).toMatchObject({ body: changes })

  // Bob never asks for his profile: that he signed up is enough.
  const bob = await register(http, 'Bob')
  await vi.waitFor(async () => {
    expect((await call(ana.token, 'GET', `/v1/users/${bob.id}`)).status).toBe(200)
  }, waiting)
  // What she calls herself now is on its way to others for a moment.
  await vi.waitFor(async () => {
    expect(await call(bob.token, 'GET', `/v1/users?q=${word}`)).toMatchObject({
      body: { users: [{ id: ana.id }] },
    })
  }, waiting)
  expect((await call(bob.token, 'PUT', `/v1/users/${ana.id}/follow`)).status).toBe(200)
  expect(await call(bob.token, 'GET', `/v1/users/${ana.id}`)).toMatchObject({
    body: { followers: 1, relationship: { following: 'following' } },
  })

  // Something of hers in every part of Veza.
  const roomId = await createRoom(http, ana, 'a room')
  const said = { clientMessageId: 'said', body: `${word} said` }
  expect((await call(ana.token, 'POST', `/v1/rooms/${roomId}/messages`, said)).status).toBe(202)
  await vi.waitFor(async () => {
    expect(await call(ana.token, 'GET', `/v1/rooms/${roomId}/messages`)).toMatchObject({
      body: { messages: [{ body: said.body }] },
    })
  }, waiting)
  const dir = await mkdtemp(join(tmpdir(), 'veza-forgotten-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const path = await makeAudio(dir, 'hers.wav', { seconds: 1 })
  const trackId = await uploadTrack(http, ana, path, { title: `${word} track` })
  expect((await call(ana.token, 'PUT', `/v1/tracks/${trackId}/like`)).status).toBe(204)

  await call(ana.token, 'GET', '/v1/users/me/export')
  const job = await vi.waitFor(async () => {
    const { body } = await call(ana.token, 'GET', '/v1/users/me/export')
    expect((body as JobBody).state).toBe('ready')
    return body as JobBody
  }, waiting)
  expect(await call(ana.token, 'GET', job.download ?? '')).toMatchObject({
    status: 200,
    body: {
      users: { profile: { bio: `${word} bio` }, followers: [{ userId: bob.id }] },
      auth: {
        account: { id: ana.id, displayName: `${word} as ever` },
        sessions: [{ address: '127.0.0.1', endedAt: null }],
      },
      chat: {
        memberships: [{ roomId, role: 'owner' }],
        messages: [{ roomId, body: `${word} said` }],
      },
      tracks: { tracks: [{ id: trackId, title: `${word} track` }], likes: [{ trackId }], uploads: [] },
    },
  })

  expect(await call(ana.token, 'DELETE', '/v1/users/me')).toMatchObject({
    status: 202,
    body: { state: 'erased' },
  })
  await vi.waitFor(async () => {
    expect((await call(bob.token, 'GET', `/v1/users/${ana.id}`)).status).toBe(404)
    expect(await call(bob.token, 'GET', `/v1/users?q=${word}`)).toMatchObject({ body: { users: [] } })
    expect(await call(bob.token, 'GET', `/v1/rooms/${roomId}/messages`)).toMatchObject({
      body: { messages: [{ body: '', deletedAt: expect.any(String) as string }] },
    })
    expect((await call(bob.token, 'GET', `/v1/tracks/${trackId}`)).status).toBe(404)
  }, waiting)
  expect((await call(ana.token, 'GET', '/v1/users/me')).status).toBe(410)

  for (const [topic, count] of [
    [topics.usersEvents, 6],
    // UserRegistered, SessionStarted and what erases both.
    [topics.authEvents, 4],
  ] as const) {
    const records = await collect(openKafka(), topic.name)
    await vi.waitFor(() => {
      expect(records.filter(({ key }) => key === ana.id).length).toBeGreaterThanOrEqual(count)
    }, waiting)
    for (const { value } of records) expect(value?.includes(word)).not.toBe(true)
  }
})
