import { randomUUID } from 'node:crypto'
import { topics } from '@veza/contracts'
import { ProduceFailed } from '@veza/kit/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Happening, noticeStore, outcomeIdOf } from './store.ts'
import {
  type ChatUnderTest,
  type Fields,
  chatUnderTest,
  type RoomBody,
  type UnreadBody,
} from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe('what is unread', () => {
  it('is counted from the read position, which only moves forwards, and with the mentions beyond it', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const room = await ana.createRoom('public')
    await veza.say(room, ana.userId, ['before ben'])
    await ben.call('POST', `/v1/rooms/${room}/members`, {})
    const unreadOf = async (who: typeof ana) =>
      (await who.call<{ unread: UnreadBody | null }>('GET', `/v1/rooms/${room}`)).body.unread
    const mark = (who: typeof ana, messageNumber: number) =>
      who.call<UnreadBody>('PUT', `/v1/rooms/${room}/read`, { messageNumber })
    expect(await unreadOf(ben)).toEqual({ readNumber: 1, messages: 0, mentions: 0 })

    const mention = (name: string) =>
      veza.settle([
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
            trackPositionMs: null,
          },
        },
      ])
    await veza.say(room, ana.userId, ['2'])
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
    const cleo = await veza.person()
    expect(await unreadOf(cleo)).toBeNull()
    expect((await mark(cleo, 1)).body).toMatchObject({ code: 'not-a-member' })
    expect((await cleo.call('PUT', `/v1/rooms/${randomUUID()}/read`, { messageNumber: 1 })).status).toBe(404)
    for (const messageNumber of [-1, 1.5, 'all', null])
      expect((await ben.call('PUT', `/v1/rooms/${room}/read`, { messageNumber })).status).toBe(400)
  })
})

describe('the inbox', () => {
  it('holds what happened while one was away, and empties as it is read, joined or declined', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
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
    await veza.settle(
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
            trackPositionMs: null,
          },
        },
      ],
      Date.now() + 1_000,
    )
    await veza.say(direct, ana.userId, ['psst', 'are you there?'], Date.now() + 2_000)
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

describe('what a user is told', () => {
  interface LogBody {
    logs: {
      userId: string
      epoch: string
      offset: number
      events: { offset: number; data: { type: string; roomId: string }; roomOffset: number | null }[]
    }[]
  }
  const logsOf = async (...positions: { userId: string; after: number | null }[]) =>
    (await veza.internally<LogBody>('POST', '/internal/v1/user-logs', { positions })).body.logs
  const tell = (happenings: readonly Happening[]) => noticeStore(veza.database).tell(happenings)
  const at = new Date(1_800_000_000_000)

  /** Ana's room with Ben in it, and how she mentions people there. */
  const setUp = async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const room = await ana.createRoom('public')
    await ben.call('POST', `/v1/rooms/${room}/members`, {})
    const settleOne = async (content: Fields, name: string): Promise<Happening> => {
      const command = veza.command(room, ana.userId, { ...content, clientMessageId: name })
      const [outcome] = await veza.settle([command])
      if (outcome === undefined || outcome.type === 'refused') throw new Error('refused')
      const { eventId, roomId, senderId, offset } = outcome
      const about = { sourceId: eventId, roomId, senderId, roomOffset: offset, at }
      if (outcome.type === 'posted') return { ...about, ...outcome, type: 'posted', messageId: eventId }
      if (outcome.type === 'edited') return { ...about, ...outcome, type: 'edited' }
      return { ...about, type: 'deleted', messageId: outcome.messageId }
    }
    const post = (name: string, mentions: string[]) =>
      settleOne(
        { type: 'message.post', body: 'Ben?', replyTo: null, trackId: null, trackPositionMs: null, mentions },
        name,
      )
    return { ana, ben, room, settleOne, post }
  }

  it('is numbered, stored once however often it happens, and counts what waits', async () => {
    const { ana, ben, room, post } = await setUp()
    const [stranger] = [await veza.person()]
    const first = await post('1', [ben.userId, stranger.userId])
    const second = await post('2', [ben.userId])
    const told = await tell([first, second])
    expect(told).toMatchObject([
      {
        ...{ userId: ben.userId, offset: 1, type: 'mention', senderId: ana.userId, messageNumber: 1 },
        ...{ roomOffset: 1, unread: { messages: 2, mentions: 2 } },
        counts: { mentions: 2, directMessages: 0, invitations: 0 },
      },
      { userId: ben.userId, offset: 2, messageNumber: 2 },
    ])
    const third = await post('3', [ben.userId])
    expect(await tell([first, second, third])).toMatchObject([
      ...told,
      { offset: 3, counts: { mentions: 3 } },
    ])
    const [log] = await logsOf({ userId: ben.userId, after: 1 })
    expect(log?.offset).toBe(3)
    expect(log?.events.map(({ offset, data }) => [offset, data.type, data.roomId])).toEqual([
      [2, 'mention', room],
      [3, 'mention', room],
    ])
  })

  it('has dense numbers, whoever writes at the same time', async () => {
    const { ana, ben, room, post } = await setUp()
    const posts: Happening[] = []
    for (let n = 0; n < 12; n++) posts.push(await post(String(n), [ben.userId, ana.userId]))
    await Promise.all([
      ...posts
        .flatMap((happening) => [tell([happening]), tell([happening])])
        .map((told) => told.catch(() => [])),
      ...[3, 6, 9].map((n) => ben.call('PUT', `/v1/rooms/${room}/read`, { messageNumber: n })),
    ])
    // Two that tell the same at once may collide: the one that lost comes again.
    await tell(posts)
    const [log] = await logsOf({ userId: ben.userId, after: 0 })
    const events = log?.events ?? []
    expect(events.map(({ offset }) => offset)).toEqual(events.map((_, index) => index + 1))
    expect(events.filter(({ data }) => data.type === 'mention')).toHaveLength(12)
  })

  it('takes a mention back when an edit or a deletion does, and tells of one that an edit adds', async () => {
    const { ana, ben, post, settleOne } = await setUp()
    const posted = await post('1', [ben.userId])
    const messageId = 'messageId' in posted ? posted.messageId : ''
    await tell([posted])
    const edit = { type: 'message.edit', messageId, body: 'Ana?' } as const
    const edited = await settleOne({ ...edit, mentions: [ana.userId] }, '2')
    expect((await tell([edited])).map(({ userId, type, counts }) => [userId, type, counts.mentions])).toEqual(
      [
        [ana.userId, 'mention', 1],
        [ben.userId, 'mention.withdrawn', 0],
      ],
    )
    const deleted = await settleOne({ type: 'message.delete', messageId }, '3')
    expect((await tell([deleted])).map(({ userId, type }) => [userId, type])).toEqual([
      [ana.userId, 'mention.withdrawn'],
    ])
  })

  it('includes what one read on another device, once for each step forwards', async () => {
    const { ana, ben, room } = await setUp()
    await veza.say(room, ana.userId, ['1', '2', '3'])
    const before = veza.sent.length
    for (const messageNumber of [2, 2, 1]) {
      const marked = await ben.call('PUT', `/v1/rooms/${room}/read`, { messageNumber })
      expect(marked.body).toEqual({ readNumber: 2, messages: 1, mentions: 0 })
    }
    const internal = `/internal/v1/rooms/${room}/read/${ben.userId}`
    expect((await veza.internally('PUT', internal, { messageNumber: 3 })).body).toEqual({
      ...{ readNumber: 3, messages: 0, mentions: 0 },
    })
    const [log] = await logsOf({ userId: ben.userId, after: 0 })
    expect(log?.events.map(({ data }) => data)).toMatchObject([
      { type: 'read', roomId: room, messageNumber: 2, unread: { messages: 1, mentions: 0 } },
      { type: 'read', roomId: room, messageNumber: 3, unread: { messages: 0, mentions: 0 } },
    ])
    const records = veza.sent.slice(before)
    expect(records.map(({ topic, key }) => [topic, key])).toEqual(
      Array.from({ length: 2 }, () => [topics.notifications.name, ben.userId]),
    )
    const decoded = veza.codec.decode(topics.notifications, records[0]?.value ?? Buffer.alloc(0))
    expect(decoded).toMatchObject({ type: 'UserNotified', value: { offset: 1, epoch: log?.epoch } })
  })

  it('is kept though Kafka is away when it happens', async () => {
    const { ana, ben, room } = await setUp()
    await veza.say(room, ana.userId, ['1'])
    veza.failKafka(new ProduceFailed('timed-out', 'no answer'))
    expect((await ben.call('PUT', `/v1/rooms/${room}/read`, { messageNumber: 1 })).status).toBe(200)
    veza.failKafka(undefined)
    expect(await logsOf({ userId: ben.userId, after: 0 })).toMatchObject([{ offset: 1 }])
  })

  it('is read from a position, up to 500; a log is there from the first question on', async () => {
    const [nobody, { ben, post }] = [randomUUID(), await setUp()]
    const [fresh] = await logsOf({ userId: nobody, after: null })
    expect(fresh).toMatchObject({ userId: nobody, offset: 0, events: [] })
    expect(await logsOf({ userId: nobody, after: 0 })).toEqual([fresh])
    const posts: Happening[] = []
    for (let n = 0; n < 4; n++) posts.push(await post(String(n), [ben.userId]))
    await tell(posts)
    await veza.database.pool.query('update user_heads set last_offset = 502 where user_id = $1', [ben.userId])
    const answers = await logsOf(
      { userId: ben.userId, after: 1 },
      { userId: nobody, after: null },
      { userId: ben.userId, after: 2 },
    )
    expect(answers.map(({ userId, events }) => [userId, events.length])).toEqual([
      [ben.userId, 0],
      [nobody, 0],
      [ben.userId, 2],
    ])
    for (const positions of [[], [{ userId: nobody, after: -1 }], [{ userId: 'x', after: null }]])
      expect((await veza.internally('POST', '/internal/v1/user-logs', { positions })).status).toBe(400)
  })

  it('is forgotten after a while', async () => {
    const { ben, post } = await setUp()
    const old = await post('1', [ben.userId])
    await tell([{ ...old, at: new Date(1_000) }])
    await tell([await post('2', [ben.userId])])
    const notices = noticeStore(veza.database)
    expect(await notices.prune(new Date(2_000), 10)).toBe(1)
    expect(await notices.prune(new Date(2_000), 10)).toBe(0)
    const [log] = await logsOf({ userId: ben.userId, after: 0 })
    expect([log?.offset, log?.events.map(({ offset }) => offset)]).toEqual([2, [2]])
  })
})
