import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { makeAudio } from '@veza/kit/testing'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { createRoom, join, type Person, refreshed, register, request } from '../support/api.ts'
import { uploadTrack } from '../support/audio.ts'
import { ops } from '../support/ops.ts'

interface Entry {
  id: string
  context: string
  type: string
  actor: string | null
  address: string | null
  traceId: string | null
  at: string
}
interface Page {
  entries: Entry[]
  next: string | null
}

const call = (person: Person, method: string, path: string, body?: unknown) =>
  request(inject('veza').http, method, path, {
    token: person.token,
    ...(body === undefined ? {} : { body }),
  })

const audit = async (admin: Person, query: string): Promise<Page> => {
  const { status, body } = await call(admin, 'GET', `/v1/audit?${query}`)
  expect(status).toBe(200)
  return body as Page
}

/** All pages, some entries each. */
const everyPage = async (admin: Person, query: string): Promise<Entry[]> => {
  const found: Entry[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { entries, next } = await audit(admin, `${query}&limit=3${cursor}`)
    found.push(...entries)
    cursor = next === null ? null : `&cursor=${next}`
  }
  return found
}

test('administrators see what happened in every part of Veza, in one order, with the trace', async () => {
  const { http } = inject('veza')
  const email = `${randomUUID()}@example.org`
  const plain = await register(http, 'Admin', { email })
  expect((await call(plain, 'GET', '/v1/audit')).body).toMatchObject({ code: 'scope-missing' })
  await ops('grant-role', email, 'admin')
  const admin = await refreshed(http, plain)

  const [ana, bob] = [await register(http, 'Ana'), await register(http, 'Bob')]
  await call(ana, 'PATCH', '/v1/users/me', { bio: 'a secret of hers' })
  const roomId = await createRoom(http, ana, 'moderated')
  await join(http, bob, roomId)
  const sent = await call(bob, 'POST', `/v1/rooms/${roomId}/messages`, { clientMessageId: 'x', body: 'buy!' })
  const { messageId } = sent.body as { messageId: string }
  await vi.waitFor(
    async () => {
      const reported = await call(ana, 'PUT', `/v1/rooms/${roomId}/messages/${messageId}/report`, {
        reason: 'spam',
      })
      expect(reported.status).toBe(204)
    },
    { timeout: 30_000, interval: 100 },
  )
  await call(ana, 'PUT', `/v1/rooms/${roomId}/members/${bob.id}/mute`, { seconds: 60 })
  await call(ana, 'PUT', `/v1/rooms/${roomId}/blocked-words`, { words: ['buy'] })
  await call(ana, 'DELETE', `/v1/rooms/${roomId}/members/${bob.id}`)
  await call(ana, 'PUT', `/v1/rooms/${roomId}/bans/${bob.id}`)
  const dir = await mkdtemp(joinPath(tmpdir(), 'veza-audit-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const path = await makeAudio(dir, 'audited.wav', { seconds: 1 })
  const trackId = await uploadTrack(http, ana, path, { title: 'Audited' })

  const byAna = await everyPage(admin, `actor=${ana.id}`)
  expect(new Set(byAna.map(({ context }) => context))).toEqual(new Set(['auth', 'users', 'chat', 'tracks']))
  const inOrder = byAna.map(({ at, id }) => `${at} ${id}`)
  expect(inOrder).toEqual(inOrder.toSorted().reverse())
  expect(new Set(inOrder).size).toBe(inOrder.length)
  expect(byAna.filter(({ address, traceId }) => address !== '127.0.0.1' || traceId === null)).toEqual([])
  expect(JSON.stringify(byAna)).not.toContain('a secret of hers')

  const moderation = await audit(admin, `context=chat&about=${roomId}&userId=${bob.id}`)
  expect(moderation.entries.map(({ type }) => type)).toEqual([
    'MemberBanned',
    'MemberLeft',
    'MemberMuted',
    'MemberJoined',
  ])
  const { entries } = await audit(admin, `about=${roomId}&type=MessageReported,WordsBlocked`)
  expect(entries.map(({ type }) => type)).toEqual(['WordsBlocked', 'MessageReported'])
  const ofTrack = await audit(admin, `about=${trackId}&type=TrackUploaded`)
  expect(ofTrack.entries).toMatchObject([{ context: 'tracks', actor: ana.id }])
  const from = byAna[0]?.at ?? ''
  expect((await audit(admin, `actor=${ana.id}&from=${from}`)).entries).toHaveLength(1)
  for (const query of ['context=nobody', 'cursor=nonsense', 'from=yesterday', 'limit=1000', 'type=a-b'])
    expect((await call(admin, 'GET', `/v1/audit?${query}`)).body).toMatchObject({ code: 'invalid-request' })
})
