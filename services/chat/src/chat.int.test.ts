import { randomUUID } from 'node:crypto'
import { type ChatCommand, connectCodec, type RoomPublication, topics } from '@veza/contracts'
import { registerSchemas } from '@veza/contracts/deploy'
import { type EventStore, eventStore } from '@veza/kit/events'
import { serve } from '@veza/kit/http'
import { connectKafka, type OutgoingRecord, ProduceFailed, type Producer } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import {
  createTokenSigner,
  freshDatabase,
  freshTopic,
  infrastructure,
  testKeyEncryption,
  testTelemetry,
  type TokenSigner,
} from '@veza/kit/testing'
import { createTokenVerifier } from '@veza/kit/tokens'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Chat, openChat } from './index.ts'
import { migrateChat } from './migrate.ts'
import { type ChatDatabase, type Command, outcomeIdOf, type Outcome, roomLog } from './store.ts'

const log = createLog('test', 'silent')
const telemetry = testTelemetry()
const closers: (() => Promise<unknown>)[] = []
const serviceToken = 'a-service-token-for-tests'

let signer: TokenSigner
let database: Database<ChatDatabase>
let store: EventStore<typeof topics.roomEvents>
let chat: Chat
let commands: string
/** Set by a test: what the producer does instead of sending. */
let kafkaFailure: Error | undefined
const sent: OutgoingRecord[] = []
let settle: (commands: readonly Command[], at?: number) => Promise<Outcome[]>

/** Sends to the test's own topic. */
const toOwnTopic = (producer: Producer): Producer => ({
  ...producer,
  healthy: true,
  async send(record) {
    if (kafkaFailure !== undefined) throw kafkaFailure
    sent.push(record)
    await producer.send({ ...record, topic: commands })
  },
})

beforeAll(async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  await registerSchemas(schemaRegistryUrl)
  const topic = await freshTopic({ prefix: 'chat.commands' })
  const fresh = await freshDatabase()
  await migrateChat(fresh.url)
  commands = topic.name
  signer = await createTokenSigner()
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  const codec = await connectCodec(schemaRegistryUrl)
  store = eventStore({ topic: topics.roomEvents, codec })
  database = openDatabase<ChatDatabase>(fresh.url, {
    applicationName: 'test',
    poolSize: 2,
    pipeline: true,
    log,
  })
  settle = (commands, at = Date.now()) => roomLog(database, () => new Date(at)).settle(commands)
  chat = openChat(
    {
      ...testKeyEncryption(),
      CHAT_DATABASE_URL: fresh.url,
      SERVICE_TOKEN: serviceToken,
      CHAT_DATABASE_CONNECTIONS: 5,
      CHAT_POST_TIMEOUT: 5_000,
      IDEMPOTENCY_RETENTION: 86_400_000,
    },
    {
      log,
      telemetry,
      verifier: createTokenVerifier(signer),
      kafka: { producer: (settings) => toOwnTopic(kafka.producer(settings)) },
      codec,
    },
  )
  closers.push(
    () => chat.close(),
    () => kafka.close(),
    () => database.close(),
    () => fresh.drop(),
    () => topic.drop(),
    () => telemetry.close(),
  )
})

afterAll(async () => {
  for (const close of closers) await close()
})

interface Answer<B> {
  status: number
  headers: Headers
  body: B
}
interface ProblemBody {
  code: string
}

const read = async <B>(response: Response): Promise<Answer<B>> => {
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? undefined : JSON.parse(text)) as B,
  }
}

/** Somebody who is signed in. */
const person = async (roles: string[] = []) => {
  const userId = randomUUID()
  const expiresAt = Math.floor(Date.now() / 1000) + 600
  const token = await signer.sign({ userId, name: 'Ana', roles, sessionId: randomUUID(), expiresAt })
  const call = async <B = ProblemBody>(method: string, path: string, body?: unknown, headers = {}) =>
    read<B>(
      await chat.app.request(path, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
  const createRoom = async (visibility: 'public' | 'private', name = 'Ambient') =>
    (await call<{ id: string }>('POST', '/v1/rooms', { name, visibility })).body.id
  return { userId, call, createRoom, token }
}

const internally = async <B>(method: string, path: string, body?: unknown, token = serviceToken) =>
  read<B>(
    await chat.internal.request(path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )

type Fields<C = ChatCommand> = C extends ChatCommand ? Omit<C, 'clientMessageId'> : never

const say = (roomId: string, senderId: string, texts: readonly string[], at = Date.now()) =>
  settle(
    texts.map((body) => ({
      eventId: outcomeIdOf(roomId, senderId, body),
      roomId,
      senderId,
      clientMessageId: body,
      content: {
        type: 'message.post',
        clientMessageId: body,
        body,
        replyTo: null,
        mentions: [],
        trackId: null,
      },
    })),
    at,
  )

interface RoomBody {
  id: string
  name: string
  role: string | null
}
interface RoomPage {
  rooms: RoomBody[]
  next: string | null
}
interface UnreadBody {
  readNumber: number
  messages: number
  mentions: number
}
interface MemberPage {
  members: { userId: string }[]
  next: string | null
}
interface MessageBody {
  offset: number
  messageId: string
  body: string
}
interface MessagePage {
  epoch: string
  offset: number
  messages: MessageBody[]
  next: string | null
  previous: string | null
}

describe('rooms', () => {
  it('creates a room with a normalised name and its owner as first member', async () => {
    const ana = await person()
    const created = await ana.call<RoomBody>('POST', '/v1/rooms', {
      name: '  Cafe\u0301 ',
      visibility: 'public',
    })
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({
      name: 'Café',
      visibility: 'public',
      ownerId: ana.userId,
      role: 'owner',
    })
    expect(created.headers.get('location')).toBe(`/v1/rooms/${created.body.id}`)
    expect((await ana.call('GET', `/v1/rooms/${created.body.id}`)).body).toEqual(created.body)
    expect(created.body).not.toHaveProperty('isInvited')
  })

  it.each([
    { name: '', visibility: 'public' },
    { name: 'a\nb', visibility: 'public' },
    { name: 'x'.repeat(81), visibility: 'public' },
    { name: 'Ambient', visibility: 'secret' },
    { visibility: 'public' },
  ])('refuses %j', async (body) => {
    const { call } = await person()
    const answer = await call('POST', '/v1/rooms', body)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body.code).toBe('invalid-request')
  })

  it('asks everybody for a token', async () => {
    const answer = await read<ProblemBody>(await chat.app.request('/v1/rooms'))
    expect(answer.status).toBe(401)
    expect(answer.body.code).toBe('token-missing')
  })

  it('lists one’s own rooms and public ones, page by page, the youngest first', async () => {
    const [ana, ben] = [await person(), await person()]
    const mine: string[] = []
    for (const name of ['1', '2', '3', '4', '5'])
      mine.unshift(await ana.createRoom(name === '3' ? 'public' : 'private', name))
    const other = await ben.createRoom('private')

    const seen: string[] = []
    let query = ''
    for (let pages = 0; pages < 5; pages++) {
      const { body } = await ana.call<RoomPage>('GET', `/v1/rooms?limit=2${query}`)
      seen.push(...body.rooms.map((room) => room.id))
      if (body.next === null) break
      query = `&cursor=${body.next}`
    }
    expect(new Set(seen)).toEqual(new Set(mine))
    expect(seen).toEqual(seen.toSorted().toReversed())

    const listed = await ben.call<RoomPage>('GET', '/v1/rooms?scope=public&limit=100')
    const ids = listed.body.rooms.map((room) => room.id)
    expect(ids).toContain(mine[2])
    expect(ids).not.toContain(other)
    expect(ids.filter((id) => mine.includes(id))).toHaveLength(1)
    expect(listed.body.rooms.find((room) => room.id === mine[2])?.role).toBeNull()

    const first = await ben.call<RoomPage>('GET', '/v1/rooms?scope=public&limit=1')
    const second = await ben.call<RoomPage>(
      'GET',
      `/v1/rooms?scope=public&limit=1&cursor=${first.body.next ?? ''}`,
    )
    expect(second.body.rooms.map((room) => room.id)).not.toEqual(first.body.rooms.map((room) => room.id))
  })

  it('refuses cursors that it did not give, and limits out of bounds', async () => {
    const { call } = await person()
    for (const query of ['cursor=xyz', 'cursor=bTox', 'limit=0', 'limit=101', 'limit=a', 'scope=all'])
      expect((await call('GET', `/v1/rooms?${query}`)).body.code).toBe('invalid-request')
  })

  it('hides private rooms from strangers and answers as if they did not exist', async () => {
    const [ana, ben] = [await person(), await person()]
    const room = await ana.createRoom('private')
    const body = { clientMessageId: '1', body: 'hello' }
    for (const id of [room, randomUUID()])
      for (const [method, path, content] of [
        ['GET', `/v1/rooms/${id}`],
        ['GET', `/v1/rooms/${id}/members`],
        ['POST', `/v1/rooms/${id}/members`, {}],
        ['DELETE', `/v1/rooms/${id}/members/me`],
        ['GET', `/v1/rooms/${id}/messages`],
        ['POST', `/v1/rooms/${id}/messages`, body],
      ] as const) {
        const answer = await ben.call(method, path, content)
        expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 404, 'room-not-found'])
      }
  })

  it('refuses ids that are none', async () => {
    const { call } = await person()
    expect((await call('GET', '/v1/rooms/nonsense')).status).toBe(400)
    expect((await call('GET', `/v1/rooms/${randomUUID().toUpperCase()}`)).status).toBe(400)
  })
})

describe('members', () => {
  it('lets people join a public room, twice, see who is there, and leave', async () => {
    const [ana, ben] = [await person(), await person()]
    const room = await ana.createRoom('public')
    expect((await ben.call('GET', `/v1/rooms/${room}/members`)).body.code).toBe('not-a-member')
    for (let i = 0; i < 2; i++)
      expect(await ben.call('POST', `/v1/rooms/${room}/members`, {})).toMatchObject({
        status: 200,
        body: { roomId: room, userId: ben.userId },
      })
    const all: string[] = []
    let query = ''
    for (let pages = 0; pages < 3; pages++) {
      const { body } = await ben.call<MemberPage>('GET', `/v1/rooms/${room}/members?limit=1${query}`)
      all.push(...body.members.map((member) => member.userId))
      query = `&cursor=${body.next ?? ''}`
      if (body.next === null) break
    }
    expect(all).toEqual([ana.userId, ben.userId].toSorted())
    expect((await ben.call('DELETE', `/v1/rooms/${room}/members/me`)).status).toBe(204)
    expect((await ben.call('DELETE', `/v1/rooms/${room}/members/me`)).status).toBe(204)
    expect((await ben.call<RoomBody>('GET', `/v1/rooms/${room}`)).body.role).toBeNull()
  })

  it('lets the owner add people, and nobody else', async () => {
    const [ana, ben, cleo] = [await person(), await person(), await person()]
    const room = await ana.createRoom('private')
    const path = `/v1/rooms/${room}/members`
    expect((await ana.call('POST', path, { userId: ben.userId })).status).toBe(200)
    expect((await ben.call<RoomBody>('GET', `/v1/rooms/${room}`)).body.role).toBe('member')
    const refused = await ben.call('POST', path, { userId: cleo.userId })
    expect([refused.status, refused.body.code]).toEqual([403, 'not-owner'])
    expect((await ana.call('POST', path, { userId: 'cleo' })).status).toBe(400)
  })

  it('keeps the owner', async () => {
    const ana = await person()
    const answer = await ana.call('DELETE', `/v1/rooms/${await ana.createRoom('public')}/members/me`)
    expect([answer.status, answer.body.code]).toEqual([409, 'owner-cannot-leave'])
  })
})

/** The events of a room, as the audit has them. */
const auditOf = async (roomId: string) => {
  const events = await store.readStream(database.db, `room-${roomId}`)
  return events.map((event) => ({ type: event.type, actor: event.metadata.actor, value: event.value }))
}
const typesOf = async (roomId: string) => (await auditOf(roomId)).map((event) => event.type)

describe('direct rooms', () => {
  it('are there once, however often and whoever asks, also at the same time', async () => {
    const [ana, ben] = [await person(), await person()]
    const ask = (from: typeof ana, to: typeof ana) =>
      from.call<RoomBody & { peerId: string }>('POST', '/v1/rooms/direct', { userId: to.userId })
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? ask(ana, ben) : ask(ben, ana))),
    )
    const ids = new Set(answers.map((answer) => answer.body.id))
    expect(ids.size).toBe(1)
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    const [room = ''] = ids
    expect((await ask(ana, ben)).body).toMatchObject({
      visibility: 'direct',
      role: 'member',
      peerId: ben.userId,
    })
    expect(await typesOf(room)).toEqual(['RoomCreated', 'MemberJoined', 'MemberJoined'])
    const cleo = await person()
    expect((await cleo.call('GET', `/v1/rooms/${room}`)).body.code).toBe('room-not-found')
    expect((await ana.call('DELETE', `/v1/rooms/${room}/members/me`)).body.code).toBe('direct-room')
    expect((await ana.call('POST', '/v1/rooms/direct', { userId: ana.userId })).status).toBe(400)
  })
})

describe('moderation', () => {
  it('changes a room by its owner and moderators, and keeps who did what', async () => {
    const [ana, ben, cleo] = [await person(), await person(), await person()]
    const room = await ana.createRoom('private')
    const at = (path: string) => `/v1/rooms/${room}${path}`
    const status = async (by: typeof ana, method: string, path: string, body?: unknown) =>
      (await by.call(method, at(path), body)).status

    expect(await status(ana, 'PUT', `/invitations/${ben.userId}`)).toBe(204)
    const invitations = await ben.call<{ invitations: object[] }>('GET', '/v1/invitations')
    expect(invitations.body.invitations).toMatchObject([
      { roomId: room, roomName: 'Ambient', invitedBy: ana.userId },
    ])
    expect((await ben.call<RoomBody>('GET', at(''))).body.role).toBeNull()
    expect((await ben.call('GET', at('/messages'))).body.code).toBe('room-not-found')
    expect(await status(ben, 'POST', '/members', {})).toBe(200)
    expect((await ben.call<{ invitations: object[] }>('GET', '/v1/invitations')).body.invitations).toEqual([])

    expect(await status(ana, 'PUT', `/members/${ben.userId}/role`, { role: 'moderator' })).toBe(204)
    expect(await status(ana, 'POST', '/members', { userId: cleo.userId })).toBe(200)
    expect(await status(cleo, 'PUT', `/bans/${ben.userId}`)).toBe(403)
    expect(await status(ben, 'PUT', `/members/${cleo.userId}/mute`, { seconds: 60 })).toBe(204)
    const { members } = (
      await ana.call<{ members: { userId: string; mutedUntil: string | null }[] }>('GET', at('/members'))
    ).body
    expect(members.find((member) => member.userId === cleo.userId)?.mutedUntil).not.toBeNull()
    expect(await status(ben, 'PATCH', '', { slowModeSeconds: 30 })).toBe(204)
    expect(await status(ben, 'PATCH', '', { archived: true })).toBe(403)
    expect((await ben.call<object>('GET', at(''))).body).toMatchObject({
      slowModeSeconds: 30,
      archivedAt: null,
    })
    expect(await status(ben, 'PUT', '/blocked-words', { words: [' SPAM ', 'spam'] })).toBe(204)
    expect((await ben.call<object>('GET', at('/blocked-words'))).body).toEqual({ words: ['spam'] })
    expect(await status(cleo, 'GET', '/blocked-words')).toBe(403)

    await say(room, ana.userId, ['rude'])
    const messageId = outcomeIdOf(room, ana.userId, 'rude')
    expect(await status(cleo, 'PUT', `/messages/${randomUUID()}/report`, { reason: 'x' })).toBe(404)
    for (let i = 0; i < 2; i++)
      expect(await status(cleo, 'PUT', `/messages/${messageId}/report`, { reason: 'rude' })).toBe(204)
    expect((await ben.call<object>('GET', at('/reports'))).body).toMatchObject({
      reports: [{ messageId, reporterId: cleo.userId, reason: 'rude' }],
    })
    expect(await status(cleo, 'GET', '/reports')).toBe(403)

    for (let i = 0; i < 2; i++) expect(await status(ben, 'PUT', `/bans/${cleo.userId}`)).toBe(204)
    expect((await ben.call<object>('GET', at('/bans'))).body).toMatchObject({
      bans: [{ userId: cleo.userId }],
      next: null,
    })
    expect(await status(cleo, 'GET', '')).toBe(404)
    expect(await status(ana, 'POST', '/members', { userId: cleo.userId })).toBe(403)
    expect(await status(ben, 'DELETE', `/bans/${cleo.userId}`)).toBe(204)
    expect(await status(ben, 'PUT', `/invitations/${cleo.userId}`)).toBe(204)
    expect(await status(cleo, 'DELETE', `/invitations/${cleo.userId}`)).toBe(204)
    expect(await status(ana, 'DELETE', `/members/${ben.userId}`)).toBe(204)
    expect(await status(ana, 'PATCH', '', { archived: true })).toBe(204)

    const audit = await auditOf(room)
    expect(audit.map((event) => event.type)).toEqual([
      'RoomCreated',
      'MemberJoined',
      'MemberInvited',
      'MemberJoined',
      'MemberRoleChanged',
      'MemberJoined',
      'MemberMuted',
      'RoomSettingsChanged',
      'WordsBlocked',
      'MessageReported',
      'MemberLeft',
      'MemberBanned',
      'BanLifted',
      'MemberInvited',
      'InvitationWithdrawn',
      'MemberLeft',
      'RoomSettingsChanged',
    ])
    expect(audit[10]).toMatchObject({
      actor: ben.userId,
      value: { roomId: room, actorId: ben.userId, userId: cleo.userId, how: 'banned' },
    })
    expect(JSON.stringify(audit)).not.toContain('rude')
  })

  it('lets moderators of Veza block words in every room, and nobody else', async () => {
    const [mod, ana] = [await person(['moderator']), await person()]
    expect((await ana.call('PUT', '/v1/blocked-words', { words: [] })).body.code).toBe('not-moderator')
    expect((await ana.call('GET', '/v1/blocked-words')).status).toBe(403)
    expect((await mod.call('PUT', '/v1/blocked-words', { words: ['unspeakable'] })).status).toBe(204)
    expect((await mod.call<object>('GET', '/v1/blocked-words')).body).toEqual({ words: ['unspeakable'] })
    for (const words of [[' '], ['x'.repeat(65)], ['a\nb'], 'spam', [1]])
      expect((await mod.call('PUT', '/v1/blocked-words', { words })).status).toBe(400)
    expect((await mod.call('PUT', '/v1/blocked-words', { words: [] })).status).toBe(204)
  })

  it('decides alone with a room, so that two at once can’t both be right', async () => {
    const [ana, ben] = [await person(), await person()]
    const room = await ana.createRoom('public')
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => ben.call('POST', `/v1/rooms/${room}/members`, {})),
    )
    expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200))
    expect(await typesOf(room)).toEqual(['RoomCreated', 'MemberJoined', 'MemberJoined'])
  })
})

describe('what is unread', () => {
  it('is counted from the read position, which only moves forwards, and with the mentions beyond it', async () => {
    const [ana, ben] = [await person(), await person()]
    const room = await ana.createRoom('public')
    await say(room, ana.userId, ['before ben'])
    await ben.call('POST', `/v1/rooms/${room}/members`, {})
    const unreadOf = async (who: typeof ana) =>
      (await who.call<{ unread: UnreadBody | null }>('GET', `/v1/rooms/${room}`)).body.unread
    const mark = (who: typeof ana, messageNumber: number) =>
      who.call<UnreadBody>('PUT', `/v1/rooms/${room}/read`, { messageNumber })
    expect(await unreadOf(ben)).toEqual({ readNumber: 1, messages: 0, mentions: 0 })

    const mention = (name: string) =>
      settle([
        {
          eventId: outcomeIdOf(room, ana.userId, name),
          roomId: room,
          senderId: ana.userId,
          clientMessageId: name,
          content: {
            type: 'message.post',
            clientMessageId: name,
            body: 'Ben?',
            replyTo: null,
            mentions: [ben.userId],
            trackId: null,
          },
        },
      ])
    await say(room, ana.userId, ['2'])
    await mention('3')
    await mention('4')
    expect(await unreadOf(ben)).toEqual({ readNumber: 1, messages: 3, mentions: 2 })
    expect((await mark(ben, 3)).body).toEqual({ readNumber: 3, messages: 1, mentions: 1 })
    expect((await mark(ben, 2)).body).toEqual({ readNumber: 3, messages: 1, mentions: 1 })
    expect((await mark(ben, 1_000_000)).body).toEqual({ readNumber: 4, messages: 0, mentions: 0 })
    const listed = await ben.call<{ rooms: { unread: UnreadBody }[] }>('GET', '/v1/rooms')
    expect(listed.body.rooms[0]?.unread).toEqual({ readNumber: 4, messages: 0, mentions: 0 })
    const { members } = (
      await ana.call<{ members: { userId: string; readNumber: number }[] }>(
        'GET',
        `/v1/rooms/${room}/members`,
      )
    ).body
    expect(members.find((member) => member.userId === ben.userId)).toMatchObject({
      readNumber: 4,
      readAt: expect.any(String) as string,
    })
    const cleo = await person()
    expect(await unreadOf(cleo)).toBeNull()
    expect((await mark(cleo, 1)).body).toMatchObject({ code: 'not-a-member' })
    expect((await cleo.call('PUT', `/v1/rooms/${randomUUID()}/read`, { messageNumber: 1 })).status).toBe(404)
    for (const messageNumber of [-1, 1.5, 'all', null])
      expect((await ben.call('PUT', `/v1/rooms/${room}/read`, { messageNumber })).status).toBe(400)
  })
})

describe('the inbox', () => {
  it('holds what happened while one was away, and empties as it is read, joined or declined', async () => {
    const [ana, ben] = [await person(), await person()]
    const [room, closed] = [await ana.createRoom('public'), await ana.createRoom('private', 'Closed')]
    await ben.call('POST', `/v1/rooms/${room}/members`, {})
    const direct = (await ana.call<RoomBody>('POST', '/v1/rooms/direct', { userId: ben.userId })).body.id
    interface Inbox {
      counts: { mentions: number; directMessages: number; invitations: number }
      notifications: { type: string; roomId: string; messageId?: string; messages?: number }[]
      next: string | null
    }
    const inbox = async (query = '') => (await ben.call<Inbox>('GET', `/v1/notifications${query}`)).body
    expect(await inbox()).toEqual({
      counts: { mentions: 0, directMessages: 0, invitations: 0 },
      notifications: [],
      next: null,
    })
    const clientMessageId = 'for ben'
    await settle(
      [
        {
          eventId: outcomeIdOf(room, ana.userId, clientMessageId),
          roomId: room,
          senderId: ana.userId,
          clientMessageId,
          content: {
            type: 'message.post',
            clientMessageId,
            body: 'Ben?',
            replyTo: null,
            mentions: [ben.userId],
            trackId: null,
          },
        },
      ],
      Date.now() + 1_000,
    )
    await say(direct, ana.userId, ['psst', 'are you there?'], Date.now() + 2_000)
    await ana.call('PUT', `/v1/rooms/${closed}/invitations/${ben.userId}`)

    const all = await inbox()
    expect(all.counts).toEqual({ mentions: 1, directMessages: 2, invitations: 1 })
    expect(all.notifications).toMatchObject([
      { type: 'direct-messages', roomId: direct, messages: 2, senderId: ana.userId },
      { type: 'mention', roomId: room, messageId: outcomeIdOf(room, ana.userId, clientMessageId) },
      { type: 'invitation', roomId: closed, senderId: ana.userId },
    ])
    const first = await inbox('?limit=2')
    expect(first.notifications).toEqual(all.notifications.slice(0, 2))
    expect(await inbox(`?limit=2&cursor=${first.next ?? ''}`)).toMatchObject({
      notifications: all.notifications.slice(2),
      next: null,
    })
    expect((await ana.call<Inbox>('GET', '/v1/notifications')).body.counts.mentions).toBe(0)

    await ben.call('PUT', `/v1/rooms/${room}/read`, { messageNumber: 1 })
    await ben.call('PUT', `/v1/rooms/${direct}/read`, { messageNumber: 1 })
    await ben.call('DELETE', `/v1/rooms/${closed}/invitations/${ben.userId}`)
    expect(await inbox()).toMatchObject({
      counts: { mentions: 0, directMessages: 1, invitations: 0 },
      notifications: [{ type: 'direct-messages', messages: 1 }],
    })
  })
})

describe('whatever is sent', () => {
  it('is answered with a code of the client’s, never a failure of ours', async () => {
    const ana = await person()
    const room = await ana.createRoom('private')
    const messages = `/v1/rooms/${room}/messages`
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(null, 0, -1, 1e300, '\0', '\ud800', room, [room, room], { toString: 'x' }),
    )
    const keys = [
      'clientMessageId',
      'body',
      'replyTo',
      'mentions',
      'trackId',
      'userId',
      'role',
      'words',
      'reason',
    ]
    const body = fc.oneof(
      fc.dictionary(fc.constantFrom(...keys, 'messageNumber', 'seconds', 'archived'), value),
      value,
    )
    const segment = fc.oneof(
      fc.constantFrom('me', '%00', '..', '%ff', room.toUpperCase(), randomUUID()),
      fc.string({ minLength: 1, maxLength: 40 }).map(encodeURIComponent),
    )
    const path = fc.oneof(
      fc.constantFrom(
        messages,
        '/v1/rooms',
        '/v1/rooms/direct',
        `/v1/rooms/${room}/members`,
        `/v1/rooms/${room}/read`,
      ),
      segment.map((id) => `/v1/rooms/${id}/messages`),
      segment.map((id) => `${messages}/${id}`),
      segment.map((id) => `${messages}/${randomUUID()}/reactions/${id}?clientMessageId=c`),
      segment.map((id) => `/v1/rooms/${room}/bans/${id}`),
      segment.map((q) => `/v1/search?q=${q}`),
      fc.tuple(segment, segment).map(([at, cursor]) => `${messages}?at=${at}&before=${cursor}`),
    )
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE')
    await fc.assert(
      fc.asyncProperty(method, path, body, async (verb, url, content) => {
        const answer = await ana.call(verb, url, verb === 'GET' ? undefined : content)
        expect([verb, url, answer.status]).toEqual([verb, url, expect.any(Number)])
        expect(answer.status, `${verb} ${url} ${JSON.stringify(content)}`).toBeLessThan(500)
        if (answer.status >= 400) expect(answer.body.code).toMatch(/^[a-z-]+$/)
      }),
      { seed: 20261124, numRuns: 400 },
    )
  })
})

describe('messages', () => {
  it('shows history newest first, page by page, to members and, in public rooms, to everybody', async () => {
    const [ana, ben] = [await person(), await person()]
    const room = await ana.createRoom('public')
    const path = `/v1/rooms/${room}/messages`
    expect((await ben.call<MessagePage>('GET', path)).body).toMatchObject({ messages: [], next: null })
    await say(room, ana.userId, ['one', 'two', 'three', 'four', 'five'])
    const first = (await ben.call<MessagePage>('GET', `${path}?limit=2`)).body
    expect(first.messages.map((message) => [message.offset, message.body])).toEqual([
      [5, 'five'],
      [4, 'four'],
    ])
    const second = (await ana.call<MessagePage>('GET', `${path}?limit=3&before=${first.next ?? ''}`)).body
    expect(second.messages.map((message) => message.body)).toEqual(['three', 'two', 'one'])
    expect(second).toMatchObject({ epoch: first.epoch, offset: 5, next: null })
    const back = (await ana.call<MessagePage>('GET', `${path}?limit=1&after=${second.previous ?? ''}`)).body
    expect(back.messages.map((message) => message.body)).toEqual(['four'])
    expect((await ana.call<MessagePage>('GET', `${path}?after=${back.previous ?? ''}`)).body).toMatchObject({
      messages: [{ body: 'five' }],
      previous: null,
    })
    expect((await ana.call('GET', `${path}?before=5`)).body.code).toBe('invalid-request')
  })

  it('shows what lies around a message and around a time, and a message by its link', async () => {
    const ana = await person()
    const room = await ana.createRoom('private')
    const path = `/v1/rooms/${room}/messages`
    const texts = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
    for (const [index, text] of texts.entries())
      await say(room, ana.userId, [text], 1_000_000 + 1_000 * index)
    const bodies = async (query: string) =>
      (await ana.call<MessagePage>('GET', `${path}?${query}`)).body.messages.map((message) => message.body)
    const link = (text: string) => outcomeIdOf(room, ana.userId, text)
    expect(await bodies(`around=${link('5')}&limit=4`)).toEqual(['6', '5', '4', '3'])
    expect(await bodies(`around=${link('1')}&limit=4`)).toEqual(['2', '1'])
    const at = (ms: number) => `at=${encodeURIComponent(new Date(ms).toISOString())}`
    expect(await bodies(`${at(1_003_500)}&limit=2`)).toEqual(['5', '4'])
    expect(await bodies(`${at(1_003_000)}&limit=2`)).toEqual(['4', '3'])
    expect(await bodies(`${at(0)}&limit=4`)).toEqual(['2', '1'])
    expect(await bodies(`${at(2_000_000)}&limit=4`)).toEqual(['9', '8'])
    const page = await ana.call<MessagePage>('GET', `${path}?around=${link('5')}&limit=2`)
    expect(page.body.next).not.toBeNull()
    expect(page.body.previous).not.toBeNull()
    expect((await ana.call('GET', `${path}/${link('5')}`)).body).toMatchObject({
      body: '5',
      messageNumber: 5,
    })
    for (const unknown of [randomUUID(), outcomeIdOf(randomUUID(), ana.userId, '5')])
      for (const query of [`${path}/${unknown}`, `${path}?around=${unknown}`, `${path}/${unknown}/thread`])
        expect(await ana.call('GET', query)).toMatchObject({
          status: 404,
          body: { code: 'message-not-found' },
        })
    for (const query of [`around=${link('5')}&${at(0)}`, `around=5`, 'at=yesterday', `before=x`])
      expect((await ana.call('GET', `${path}?${query}`)).body.code).toBe('invalid-request')
    const ben = await person()
    for (const query of [`${path}/${link('5')}`, `${path}?around=${link('5')}`, `${path}?${at(0)}`])
      expect((await ben.call('GET', query)).body.code).toBe('room-not-found')
  })

  it('shows messages as they stand: edits, reactions, replies, deletions', async () => {
    const [ana, ben] = [await person(), await person()]
    const room = await ana.createRoom('public')
    await ben.call('POST', `/v1/rooms/${room}/members`, {})
    const path = `/v1/rooms/${room}/messages`
    const ask = (sender: string, name: string, fields: Fields) =>
      settle([
        {
          eventId: outcomeIdOf(room, sender, name),
          roomId: room,
          senderId: sender,
          clientMessageId: name,
          content: { ...fields, clientMessageId: name },
        },
      ])
    const plain = { type: 'message.post', replyTo: null, mentions: [], trackId: null } as const
    const first = outcomeIdOf(room, ana.userId, '1')
    const trackId = randomUUID()
    await ask(ana.userId, '1', { ...plain, body: 'hello', mentions: [ben.userId], trackId })
    await ask(ben.userId, '1', { ...plain, body: 'reply', replyTo: first })
    await ask(ana.userId, '2', { ...plain, body: 'reply too', replyTo: outcomeIdOf(room, ben.userId, '1') })
    await ask(ben.userId, '2', { type: 'reaction.add', messageId: first, reaction: '🎧' })
    await ask(ana.userId, '3', { type: 'message.edit', messageId: first, body: 'ho', mentions: [] })

    const shown = (await ben.call<MessagePage>('GET', path)).body
    expect(shown.offset).toBe(5)
    expect(shown.messages.map((message) => message.body)).toEqual(['reply too', 'reply', 'ho'])
    expect(shown.messages[2]).toEqual({
      type: 'message.posted',
      offset: 1,
      messageNumber: 1,
      messageId: first,
      senderId: ana.userId,
      clientMessageId: '1',
      body: 'ho',
      trackId,
      postedAt: expect.any(String) as string,
      editedAt: expect.any(String) as string,
      replies: 2,
      reactions: [{ reaction: '🎧', count: 1, mine: true }],
    })
    expect((await ana.call<MessagePage>('GET', path)).body.messages[2]).toMatchObject({
      reactions: [{ reaction: '🎧', count: 1, mine: false }],
    })
    const thread = (
      await ana.call<MessagePage & { root: MessageBody }>('GET', `${path}/${first}/thread?limit=1`)
    ).body
    expect(thread.root.body).toBe('ho')
    expect(thread.messages).toMatchObject([{ body: 'reply too', threadId: first }])
    const older = await ana.call<MessagePage>('GET', `${path}/${first}/thread?before=${thread.next ?? ''}`)
    expect(older.body).toMatchObject({ messages: [{ body: 'reply', replyTo: first }], next: null })

    await ask(ana.userId, '4', { type: 'message.delete', messageId: first })
    const gone = (await ben.call<MessageBody>('GET', `${path}/${first}`)).body
    expect(gone).toMatchObject({ body: '', deletedAt: expect.any(String) as string, replies: 2 })
    for (const field of ['reactions', 'trackId', 'mentions', 'editedAt'])
      expect(gone).not.toHaveProperty(field)
  })

  it('finds messages in the rooms that one may read, as they stand, and page by page', async () => {
    const [ana, ben, cleo] = [await person(), await person(), await person()]
    const [mine, open, hidden] = [
      await ana.createRoom('private'),
      await ben.createRoom('public'),
      await ben.createRoom('private'),
    ]
    interface Found {
      messages: (MessageBody & { roomId: string })[]
      next: string | null
      complete: boolean
    }
    const find = async (who: typeof ana, q: string, more = '') =>
      (await who.call<Found>('GET', `/v1/search?q=${encodeURIComponent(q)}${more}`)).body
    const bodies = async (who: typeof ana, q: string, more = '') =>
      (await find(who, q, more)).messages.map((message) => message.body)
    await say(mine, ana.userId, ['a blue whale', 'a blue bird', 'Größe and WHALES'], 1_000)
    await say(open, ben.userId, ['whale in the open'], 2_000)
    await say(hidden, ben.userId, ['whale in secret'], 3_000)

    expect(await bodies(ana, 'whale')).toEqual(['a blue whale'])
    expect(await bodies(ana, '"blue bird"')).toEqual(['a blue bird'])
    expect(await bodies(ana, 'größe OR nothing')).toEqual(['Größe and WHALES'])
    expect(await bodies(ben, 'whale')).toEqual(['whale in secret', 'whale in the open'])
    expect(await bodies(cleo, 'whale')).toEqual([])
    expect(await bodies(cleo, 'whale', `&roomId=${open}`)).toEqual(['whale in the open'])
    expect((await cleo.call('GET', `/v1/search?q=whale&roomId=${hidden}`)).body.code).toBe('room-not-found')
    const first = await find(ben, 'whale', '&limit=1')
    expect(first).toMatchObject({ complete: true, messages: [{ roomId: hidden }] })
    expect(await bodies(ben, 'whale', `&limit=1&cursor=${first.next ?? ''}`)).toEqual(['whale in the open'])

    // What was found once is found as it is now.
    const ask = (name: string, fields: Fields) =>
      settle([
        {
          eventId: outcomeIdOf(mine, ana.userId, name),
          roomId: mine,
          senderId: ana.userId,
          clientMessageId: name,
          content: { ...fields, clientMessageId: name },
        },
      ])
    const about = (text: string) => ({ messageId: outcomeIdOf(mine, ana.userId, text) })
    await ask('e', { type: 'message.edit', ...about('a blue bird'), body: 'a red whale', mentions: [] })
    await ask('d', { type: 'message.delete', ...about('a blue whale') })
    expect(await bodies(ana, 'whale')).toEqual(['a red whale'])
    expect(await bodies(ana, 'blue')).toEqual([])
    const { rows } = await database.pool.query('select 1 from message_search where message_id = $1', [
      about('a blue whale').messageId,
    ])
    expect(rows).toEqual([])
    for (const query of [
      'q=',
      'q=a%00b',
      `q=${'x'.repeat(201)}`,
      'q=a&cursor=x',
      'q=a&limit=0',
      'q=a&roomId=x',
      '',
    ])
      expect((await ana.call('GET', `/v1/search?${query}`)).body.code).toBe('invalid-request')
    for (const q of ['((', "'", '& | !', '\\', '🎧', 'a:*', '<->'])
      expect((await ana.call('GET', `/v1/search?q=${encodeURIComponent(q)}`)).status).toBe(200)
  })

  it('puts every command on the same topic as the WebSocket edge does', async () => {
    const [ana, ben] = [await person(), await person()]
    const room = await ana.createRoom('public')
    const [messageId, trackId] = [randomUUID(), randomUUID()]
    const path = `/v1/rooms/${room}/messages`
    const codec = await connectCodec(infrastructure().schemaRegistryUrl)
    const name = { clientMessageId: 'c1' }
    const more = { replyTo: messageId, mentions: [ben.userId], trackId }
    for (const [method, url, body, type, fields] of [
      ['POST', path, { ...name, body: 'hello', ...more }, 'PostMessage', { body: 'hello', ...more }],
      ['PATCH', `${path}/${messageId}`, { ...name, body: 'ho' }, 'EditMessage', { body: 'ho', mentions: [] }],
      ['DELETE', `${path}/${messageId}?clientMessageId=c1`, undefined, 'DeleteMessage', {}],
      [
        'PUT',
        `${path}/${messageId}/reactions/${encodeURIComponent('🎧')}?clientMessageId=c1`,
        undefined,
        'AddReaction',
        { reaction: '🎧' },
      ],
      [
        'DELETE',
        `${path}/${messageId}/reactions/+1?clientMessageId=c1`,
        undefined,
        'RemoveReaction',
        { reaction: '+1' },
      ],
    ] as const) {
      expect(await ana.call(method, url, body)).toMatchObject({ status: 202 })
      const decoded = codec.decode(topics.chatCommands, sent.at(-1)?.value ?? Buffer.alloc(0))
      const value = { roomId: room, senderId: ana.userId, clientMessageId: 'c1', ...fields }
      expect(decoded).toMatchObject({ type, value: method === 'POST' ? value : { messageId, ...value } })
      const before = sent.length
      expect((await ben.call(method, url, body)).body.code).toBe('not-a-member')
      expect(
        (await ana.call(method, url.replace('c1', ''), body && { ...body, clientMessageId: '' })).status,
      ).toBe(400)
      expect(sent).toHaveLength(before)
    }
    for (const [url, code] of [
      [`${path}/${messageId}/reactions/${'x'.repeat(33)}?clientMessageId=c1`, 'invalid-reaction'],
      [`${path}/${messageId}/reactions/a%20b?clientMessageId=c1`, 'invalid-reaction'],
      [`${path}/nonsense/reactions/x?clientMessageId=c1`, 'invalid-request'],
    ] as const)
      expect(await ana.call('PUT', url)).toMatchObject({ status: 400, body: { code } })
    expect(await ana.call('POST', path, { ...name, body: 'hi', mentions: ['x'] })).toMatchObject({
      status: 400,
      body: { code: 'invalid-mentions' },
    })
  })

  it('acknowledges a post that Kafka has, with the id of its outcome', async () => {
    const ana = await person()
    const room = await ana.createRoom('private')
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const answer = await ana.call<{ messageId: string }>(
      'POST',
      `/v1/rooms/${room}/messages`,
      { clientMessageId: 'c1', body: 'hello' },
      { traceparent },
    )
    expect(answer).toMatchObject({
      status: 202,
      body: { messageId: outcomeIdOf(room, ana.userId, 'c1') },
    })
    const record = sent.at(-1)
    expect(record).toMatchObject({ topic: topics.chatCommands.name, key: room })
    expect(record?.headers).toMatchObject({ ce_type: 'PostMessage', ce_source: '/chat' })
    expect(String(record?.headers['traceparent'])).toContain('0af7651916cd43dd8448eb211c80319c')
    const codec = await connectCodec(infrastructure().schemaRegistryUrl)
    const decoded = codec.decode(topics.chatCommands, record?.value ?? Buffer.alloc(0))
    expect(decoded).toMatchObject({
      type: 'PostMessage',
      value: { roomId: room, senderId: ana.userId, clientMessageId: 'c1', body: 'hello' },
    })
  })

  it('refuses strangers to a public room and contents that no edge lets through', async () => {
    const [ana, ben] = [await person(), await person()]
    const room = await ana.createRoom('public')
    const path = `/v1/rooms/${room}/messages`
    const stranger = await ben.call('POST', path, { clientMessageId: '1', body: 'hello' })
    expect([stranger.status, stranger.body.code]).toEqual([403, 'not-a-member'])
    for (const [content, code] of [
      [{ clientMessageId: '', body: 'hello' }, 'invalid-client-message-id'],
      [{ clientMessageId: 'x'.repeat(65), body: 'hello' }, 'invalid-client-message-id'],
      [{ clientMessageId: '1', body: ' ' }, 'body-empty'],
      [{ clientMessageId: '1', body: 'x'.repeat(4_001) }, 'body-too-long'],
      [{ clientMessageId: '1', body: 'a\0b' }, 'body-invalid'],
      [{ clientMessageId: 1, body: 'hello' }, 'invalid-request'],
      [{ body: 'hello' }, 'invalid-request'],
    ] as const)
      expect(await ana.call('POST', path, content)).toMatchObject({ status: 400, body: { code } })
  })

  it('answers 503 with Retry-After while Kafka is away, and 500 when the record is to blame', async () => {
    const ana = await person()
    const path = `/v1/rooms/${await ana.createRoom('public')}/messages`
    const message = { clientMessageId: '1', body: 'hello' }
    kafkaFailure = new ProduceFailed('timed-out', 'no answer')
    const away = await ana.call('POST', path, message)
    kafkaFailure = new ProduceFailed('too-large', 'too large')
    const ours = await ana.call('POST', path, message)
    kafkaFailure = undefined
    expect([away.status, away.body.code, away.headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
    expect([ours.status, ours.body.code]).toEqual([500, 'internal'])
    expect((await ana.call('POST', path, message)).status).toBe(202)
  })

  it('answers over a real connection', async () => {
    const { token } = await person()
    const server = await serve(chat.app, { host: '127.0.0.1', port: 0 })
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/rooms`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await response.json()).toEqual({ rooms: [], next: null })
    await server.close()
  })
})

describe('the internal API', () => {
  it('asks for the service token', async () => {
    const answer = await internally<ProblemBody>(
      'POST',
      '/internal/v1/heads',
      { roomIds: [] },
      'another-token',
    )
    expect([answer.status, answer.body.code]).toEqual([401, 'token-invalid'])
    expect((await chat.internal.request('/internal/v1/heads', { method: 'POST' })).status).toBe(401)
  })

  it('tells who is what in which room, in the order asked', async () => {
    const [ana, ben] = [await person(), await person()]
    const [room, unknown] = [await ana.createRoom('private'), randomUUID()]
    await say(room, ana.userId, ['one'])
    const pairs = [
      { roomId: unknown, userId: ana.userId },
      { roomId: room, userId: ben.userId },
      { roomId: room, userId: ana.userId },
    ]
    const { body } = await internally<{ results: unknown[] }>('POST', '/internal/v1/access', { pairs })
    const epoch: unknown = expect.stringMatching(/^[\w-]{8}$/)
    expect(body.results).toEqual([
      { ...pairs[0], exists: false, role: null, epoch: null, offset: null },
      { ...pairs[1], exists: true, role: null, epoch, offset: 1 },
      { ...pairs[2], exists: true, role: 'owner', epoch, offset: 1 },
    ])
    for (const wrong of [[], [{ roomId: 'x', userId: ana.userId }], Array(501).fill(pairs[0])])
      expect((await internally('POST', '/internal/v1/access', { pairs: wrong })).status).toBe(400)
  })

  it('tells how far rooms have come and leaves unknown ones out', async () => {
    const ana = await person()
    const room = await ana.createRoom('private')
    await say(room, ana.userId, ['one', 'two'])
    const { body } = await internally<{ heads: unknown[] }>('POST', '/internal/v1/heads', {
      roomIds: [randomUUID(), room],
    })
    expect(body.heads).toEqual([{ roomId: room, epoch: expect.any(String) as string, offset: 2 }])
  })

  it('gives the events after an offset, ascending and dense', async () => {
    const ana = await person()
    const room = await ana.createRoom('private')
    await say(room, ana.userId, ['one', 'two', 'three', 'four'])
    const path = `/internal/v1/rooms/${room}/events`
    const { body } = await internally<{
      offset: number
      events: { offset: number; data: Extract<RoomPublication, { type: 'message.posted' }> }[]
    }>('GET', `${path}?after=1&limit=2`)
    expect(body.offset).toBe(4)
    expect(body.events.map((event) => [event.offset, event.data.body, event.data.messageNumber])).toEqual([
      [2, 'two', 2],
      [3, 'three', 3],
    ])
    expect(body.events[0]?.data).toMatchObject({ type: 'message.posted', senderId: ana.userId })
    const end = await internally<{ events: unknown[] }>('GET', `${path}?after=4&limit=500`)
    expect(end.body.events).toEqual([])
    const unknown = await internally<ProblemBody>(
      'GET',
      `/internal/v1/rooms/${randomUUID()}/events?after=0&limit=1`,
    )
    expect([unknown.status, unknown.body.code]).toEqual([404, 'room-not-found'])
    for (const query of ['after=-1&limit=1', 'after=0&limit=501', 'limit=1', 'after=0'])
      expect((await internally('GET', `${path}?${query}`)).status).toBe(400)
  })
})

describe("chat's part of the audit", () => {
  interface Entry {
    type: string
    userId: string | null
    actor: string
    address: string | null
    traceId: string
    details: Record<string, unknown>
  }

  it('tells what moderators did, to whom, from where, and keeps no address that can be read', async () => {
    const [ana, bob] = [await person(), await person()]
    const [roomId, from] = [await ana.createRoom('public'), '203.0.113.9']
    await bob.call('POST', `/v1/rooms/${roomId}/members`, {})
    const moderate = (method: string, path: string, body?: unknown) =>
      chat.app.request(
        `/v1/rooms/${roomId}/${path}`,
        {
          method,
          headers: { authorization: `Bearer ${ana.token}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        { incoming: { socket: { remoteAddress: from } } },
      )
    await moderate('PUT', `members/${bob.userId}/mute`, { seconds: 60 })
    await moderate('PUT', 'blocked-words', { words: ['spoiler'] })
    await moderate('PUT', `bans/${bob.userId}`)
    const ask = (query: string) =>
      internally<{ entries: Entry[] }>('GET', `/internal/v1/chat/audit?limit=50&${query}`)
    const { entries } = (await ask(`names=${roomId}&actor=${ana.userId}`)).body
    expect(entries.map(({ type, userId, address }) => [type, userId, address])).toEqual([
      ['MemberBanned', bob.userId, from],
      ['MemberLeft', bob.userId, from],
      ['WordsBlocked', null, from],
      ['MemberMuted', bob.userId, from],
      ['MemberJoined', ana.userId, null],
      ['RoomCreated', null, null],
    ])
    expect(entries[2]?.details).toMatchObject({ roomId, words: ['spoiler'] })
    for (const { traceId } of entries) expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    const about = (await ask(`names=${bob.userId}&type=MemberBanned,MemberMuted`)).body.entries
    expect(about.map(({ type }) => type)).toEqual(['MemberBanned', 'MemberMuted'])
    const kept = await sql<{ n: number }>`
      select count(*) as n from events.events where address like '%203.0.113.9%'`.execute(database.db)
    expect(kept.rows).toEqual([{ n: 0 }])
    expect((await internally('GET', '/internal/v1/chat/audit?limit=5', undefined, 'no')).status).toBe(401)
  })
})

describe("chat's part of a copy", () => {
  it('has what somebody wrote in every room they ever were in, and nothing of others', async () => {
    const [ana, bob] = [await person(), await person()]
    const [stayed, left] = [await ana.createRoom('public', 'stayed'), await ana.createRoom('public', 'left')]
    for (const roomId of [stayed, left]) {
      await bob.call('POST', `/v1/rooms/${roomId}/members`, {})
      await say(roomId, bob.userId, [`bob in ${roomId}`])
      await say(roomId, ana.userId, [`ana in ${roomId}`])
    }
    const [outcome] = await say(stayed, ana.userId, ['to be reported'])
    await bob.call('PUT', `/v1/rooms/${stayed}/messages/${outcome?.eventId ?? ''}/report`, { reason: 'rude' })
    await bob.call('PUT', `/v1/rooms/${stayed}/read`, { messageNumber: 2 })
    await bob.call('DELETE', `/v1/rooms/${left}/members/me`)

    const path = `/internal/v1/chat/personal-data/${bob.userId}`
    const { status, body } = await internally<{
      messages: { roomId: string; body: string }[]
      memberships: object[]
      reports: object[]
      history: { what: string; byYou: boolean }[]
    }>('GET', path)
    expect(status).toBe(200)
    expect(body.messages.map(({ body: text }) => text)).toEqual(
      [stayed, left].sort().map((roomId) => `bob in ${roomId}`),
    )
    expect(body.memberships).toMatchObject([
      { roomId: stayed, name: 'stayed', role: 'member', readNumber: 2 },
    ])
    expect(body.reports).toMatchObject([{ roomId: stayed, messageId: outcome?.eventId, reason: 'rude' }])
    expect(body.history.map(({ what, byYou }) => [what, byYou])).toEqual([
      ['MemberLeft', true],
      ['MessageReported', true],
      ['MemberJoined', true],
      ['MemberJoined', true],
    ])
    expect((await internally('GET', path, undefined, 'another')).status).toBe(401)
  })
})

it('describes itself', () => {
  const document = chat.app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'chat', version: '1' } })
  expect(Object.keys(document.paths ?? {})).toEqual([
    '/v1/rooms',
    '/v1/rooms/direct',
    '/v1/rooms/{roomId}',
    '/v1/rooms/{roomId}/members',
    '/v1/rooms/{roomId}/members/me',
    '/v1/rooms/{roomId}/read',
    '/v1/rooms/{roomId}/members/{userId}',
    '/v1/rooms/{roomId}/bans/{userId}',
    '/v1/rooms/{roomId}/invitations/{userId}',
    '/v1/rooms/{roomId}/members/{userId}/role',
    '/v1/rooms/{roomId}/members/{userId}/mute',
    '/v1/rooms/{roomId}/blocked-words',
    '/v1/blocked-words',
    '/v1/rooms/{roomId}/bans',
    '/v1/invitations',
    '/v1/rooms/{roomId}/messages/{messageId}/report',
    '/v1/rooms/{roomId}/reports',
    '/v1/rooms/{roomId}/messages',
    '/v1/rooms/{roomId}/messages/{messageId}',
    '/v1/rooms/{roomId}/messages/{messageId}/reactions/{reaction}',
    '/v1/rooms/{roomId}/messages/{messageId}/thread',
    '/v1/search',
    '/v1/notifications',
  ])
})

it('is ready while its database answers', async () => {
  expect(await chat.checks['chat-database']?.()).toBeUndefined()
})

describe('a write that comes again under its Idempotency-Key', () => {
  it('gets the first answer: one room, one invitation', async () => {
    const [ana, bob] = [await person(), await person()]
    const create = (name: string, key: string) =>
      ana.call<RoomBody & ProblemBody>(
        ...(['POST', '/v1/rooms', { name, visibility: 'private' }, { 'idempotency-key': key }] as const),
      )
    const first = await create('Ambient', 'one')
    const again = await create('Ambient', 'one')
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect((await create('Ambient', 'two')).body.id).not.toBe(first.body.id)
    expect(await create('Techno', 'one')).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    })
    const { body } = await ana.call<{ rooms: RoomBody[] }>('GET', '/v1/rooms')
    expect(body.rooms).toHaveLength(2)

    const members = `/v1/rooms/${first.body.id}/members`
    const add = () => ana.call('POST', members, { userId: bob.userId }, { 'idempotency-key': 'bob' })
    expect((await add()).status).toBe(200)
    expect((await bob.call('DELETE', `${members}/me`)).status).toBe(204)
    expect((await add()).headers.get('idempotency-replayed')).toBe('true')
    expect((await bob.call('GET', members)).status).toBe(404)
  })
})
