import { randomUUID } from 'node:crypto'
import { type RoomPublication } from '@veza/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatUnderTest, chatUnderTest, type ProblemBody } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe('the internal API', () => {
  it('asks for the service token', async () => {
    const answer = await veza.internally<ProblemBody>(
      'POST',
      '/internal/v1/heads',
      { roomIds: [] },
      'another-token',
    )
    expect([answer.status, answer.body.code]).toEqual([401, 'token-invalid'])
    expect((await veza.chat.internal.request('/internal/v1/heads', { method: 'POST' })).status).toBe(401)
  })

  it('tells who is what in which room, in the order asked', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const [room, open, unknown] = [
      await ana.createRoom('private'),
      await ana.createRoom('public'),
      randomUUID(),
    ]
    for (const roomId of [room, open]) await veza.say(roomId, ana.userId, ['one'])
    const pairs = [
      { roomId: unknown, userId: ana.userId },
      { roomId: room, userId: ben.userId },
      { roomId: room, userId: ana.userId },
      { roomId: open, userId: ben.userId },
    ]
    const { body } = await veza.internally<{ results: unknown[] }>('POST', '/internal/v1/access', { pairs })
    const epoch: unknown = expect.stringMatching(/^[\w-]{8}$/)
    expect(body.results).toEqual([
      { ...pairs[0], exists: false, role: null, epoch: null, offset: null },
      // A private room is none for strangers.
      { ...pairs[1], exists: false, role: null, epoch: null, offset: null },
      { ...pairs[2], exists: true, role: 'owner', epoch, offset: 1 },
      { ...pairs[3], exists: true, role: null, epoch, offset: 1 },
    ])
    for (const wrong of [[], [{ roomId: 'x', userId: ana.userId }], Array(501).fill(pairs[0])])
      expect((await veza.internally('POST', '/internal/v1/access', { pairs: wrong })).status).toBe(400)
  })

  it('tells how far rooms have come and leaves unknown ones out', async () => {
    const ana = await veza.person()
    const room = await ana.createRoom('private')
    await veza.say(room, ana.userId, ['one', 'two'])
    const { body } = await veza.internally<{ heads: unknown[] }>('POST', '/internal/v1/heads', {
      roomIds: [randomUUID(), room],
    })
    expect(body.heads).toEqual([{ roomId: room, epoch: expect.any(String) as string, offset: 2 }])
  })

  it('gives the events after an offset, ascending and dense', async () => {
    const ana = await veza.person()
    const room = await ana.createRoom('private')
    await veza.say(room, ana.userId, ['one', 'two', 'three', 'four'])
    const path = `/internal/v1/rooms/${room}/events`
    const { body } = await veza.internally<{
      offset: number
      events: { offset: number; data: Extract<RoomPublication, { type: 'message.posted' }> }[]
    }>('GET', `${path}?after=1&limit=2`)
    expect(body.offset).toBe(4)
    expect(body.events.map((event) => [event.offset, event.data.body, event.data.messageNumber])).toEqual([
      [2, 'two', 2],
      [3, 'three', 3],
    ])
    expect(body.events[0]?.data).toMatchObject({ type: 'message.posted', senderId: ana.userId })
    const end = await veza.internally<{ events: unknown[] }>('GET', `${path}?after=4&limit=500`)
    expect(end.body.events).toEqual([])
    const unknown = await veza.internally<ProblemBody>(
      'GET',
      `/internal/v1/rooms/${randomUUID()}/events?after=0&limit=1`,
    )
    expect([unknown.status, unknown.body.code]).toEqual([404, 'room-not-found'])
    for (const query of ['after=-1&limit=1', 'after=0&limit=501', 'limit=1', 'after=0'])
      expect((await veza.internally('GET', `${path}?${query}`)).status).toBe(400)
  })

  it('notes when people were last connected, forwards only, and tells it of members of a room', async () => {
    const [ana, ben, eve] = [await veza.person(), await veza.person(), await veza.person()]
    const room = await ana.createRoom('public')
    await ben.call('POST', `/v1/rooms/${room}/members`, {})
    const note = async (...seen: { userId: string; at: number }[]) =>
      (await veza.internally('PUT', '/internal/v1/last-seen', { seen })).status
    const told = async (...userIds: string[]) => {
      const path = `/internal/v1/rooms/${room}/last-seen`
      const { body } = await veza.internally<{ seen: { userId: string; at: number }[] }>('POST', path, {
        userIds,
      })
      return new Map(body.seen.map(({ userId, at }) => [userId, at]))
    }
    expect(await told(ana.userId, ben.userId)).toEqual(new Map())
    const at = 1_700_000_000_000
    expect(
      await note(
        { userId: ana.userId, at },
        { userId: eve.userId, at },
        // Of one edge that says it twice, the later.
        { userId: ben.userId, at: at + 5 },
        { userId: ben.userId, at },
      ),
    ).toBe(204)
    const asked = [ana.userId, ben.userId, eve.userId, randomUUID()]
    expect(await told(...asked)).toEqual(
      new Map([
        [ana.userId, at],
        [ben.userId, at + 5],
      ]),
    )
    expect(await note({ userId: ana.userId, at: at - 1 }, { userId: ben.userId, at: at + 6 })).toBe(204)
    expect(await told(...asked)).toEqual(
      new Map([
        [ana.userId, at],
        [ben.userId, at + 6],
      ]),
    )
    // An edge whose clock is ahead by a year.
    await note({ userId: ana.userId, at: Date.now() + 365 * 86_400_000 })
    expect((await told(ana.userId)).get(ana.userId)).toBeLessThan(Date.now() + 86_400_000)
    for (const wrong of [[], Array(501).fill({ userId: ana.userId, at }), [{ userId: 'x', at }]])
      expect((await veza.internally('PUT', '/internal/v1/last-seen', { seen: wrong })).status).toBe(400)
  })
})
