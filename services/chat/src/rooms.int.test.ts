import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ChatUnderTest,
  chatUnderTest,
  type ProblemBody,
  type RoomBody,
  type RoomPage,
  type MemberPage,
  readAnswer,
} from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe('rooms', () => {
  it('creates a room with a normalised name and its owner as first member', async () => {
    const ana = await veza.person()
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
    const { call } = await veza.person()
    const answer = await call('POST', '/v1/rooms', body)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body.code).toBe('invalid-request')
  })

  it('asks everybody for a token', async () => {
    const answer = await readAnswer<ProblemBody>(await veza.chat.app.request('/v1/rooms'))
    expect(answer.status).toBe(401)
    expect(answer.body.code).toBe('token-missing')
  })

  it('lists one’s own rooms and public ones, page by page, the youngest first', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
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
    const { call } = await veza.person()
    for (const query of ['cursor=xyz', 'cursor=bTox', 'limit=0', 'limit=101', 'limit=a', 'scope=all'])
      expect((await call('GET', `/v1/rooms?${query}`)).body.code).toBe('invalid-request')
  })

  it('hides private rooms from strangers and answers as if they did not exist', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
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
    const { call } = await veza.person()
    expect((await call('GET', '/v1/rooms/nonsense')).status).toBe(400)
    expect((await call('GET', `/v1/rooms/${randomUUID().toUpperCase()}`)).status).toBe(400)
  })
})

describe('members', () => {
  it('lets people join a public room, twice, see who is there, and leave', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
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
    const [ana, ben, cleo] = [await veza.person(), await veza.person(), await veza.person()]
    const room = await ana.createRoom('private')
    const path = `/v1/rooms/${room}/members`
    expect((await ana.call('POST', path, { userId: ben.userId })).status).toBe(200)
    expect((await ben.call<RoomBody>('GET', `/v1/rooms/${room}`)).body.role).toBe('member')
    const refused = await ben.call('POST', path, { userId: cleo.userId })
    expect([refused.status, refused.body.code]).toEqual([403, 'not-owner'])
    expect((await ana.call('POST', path, { userId: 'cleo' })).status).toBe(400)
  })

  it('keeps the owner', async () => {
    const ana = await veza.person()
    const answer = await ana.call('DELETE', `/v1/rooms/${await ana.createRoom('public')}/members/me`)
    expect([answer.status, answer.body.code]).toEqual([409, 'owner-cannot-leave'])
  })
})

describe('direct rooms', () => {
  it('are there once, however often and whoever asks, also at the same time', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
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
    expect((await veza.auditOf(room)).map(({ type }) => type)).toEqual([
      'RoomCreated',
      'MemberJoined',
      'MemberJoined',
    ])
    const cleo = await veza.person()
    expect((await cleo.call('GET', `/v1/rooms/${room}`)).body.code).toBe('room-not-found')
    expect((await ana.call('DELETE', `/v1/rooms/${room}/members/me`)).body.code).toBe('direct-room')
    expect((await ana.call('POST', '/v1/rooms/direct', { userId: ana.userId })).status).toBe(400)
  })
})
