import { toHeaders, topics, type Records } from '@veza/contracts'
import { type Centrifuge, type ClientInfo } from 'centrifuge'
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { identityOf } from './testing/edge-under-test.ts'
import { type RawClient, openRaw } from './testing/raw-client.ts'
import { hooks, connect, world } from './testing/sdk-clients.ts'

hooks()

const follow = async (client: Centrifuge, roomId: string) => {
  const sub = client.newSubscription(`room:${roomId}`, { joinLeave: true })
  const told: string[] = []
  const published: unknown[] = []
  const tell = (what: string) => (context: { info: ClientInfo }) =>
    void told.push(`${context.info.user} ${what}`)
  sub.on('join', tell('joined'))
  sub.on('leave', tell('left'))
  sub.on('publication', ({ data, offset }) => published.push([data, offset]))
  sub.subscribe()
  await sub.ready(5000)
  return { sub, told, published }
}

const raw = async (url: string, userId: string): Promise<RawClient> => {
  const client = await openRaw(url)
  await client.ask({ connect: { token: await world.token(userId) } })
  return client
}

describe('presence', () => {
  it('is the same over two edges, with joins and leaves, and goes with an edge', async () => {
    const [ann, bob] = [randomUUID(), randomUUID()]
    const roomId = world.chat.addRoom([ann, bob])
    const [first, second] = [await world.edge(), await world.edge()]
    const [annClient, bobClient] = [await connect(first.url, ann), await connect(second.url, bob)]
    const annSide = await follow(annClient, roomId)
    const bobSide = await follow(bobClient, roomId)

    const users = async ({ sub }: typeof annSide) =>
      Object.values((await sub.presence()).clients)
        .map(({ user }) => user)
        .sort()
    for (const side of [annSide, bobSide]) {
      await expect.poll(() => users(side)).toEqual([ann, bob].sort())
      expect(await side.sub.presenceStats()).toMatchObject({ numClients: 2, numUsers: 2 })
    }
    await expect.poll(() => annSide.told).toEqual([`${ann} joined`, `${bob} joined`])

    bobSide.sub.unsubscribe()
    await expect.poll(() => annSide.told).toContain(`${bob} left`)
    const again = await follow(bobClient, world.chat.addRoom([bob]))
    expect(await users(again)).toEqual([bob])
    expect(await users(annSide)).toEqual([ann])

    const third = await connect(second.url, bob)
    await follow(third, roomId)
    await expect.poll(() => users(annSide)).toEqual([ann, bob].sort())
    await second.close()
    await expect.poll(() => users(annSide)).toEqual([ann])
  })

  it('is for those who follow the room', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId])
    const edge = await world.edge()
    const client = await raw(edge.url, userId)
    const ask = async (command: string, channel: string) =>
      (await client.ask({ [command]: { channel } }))['error']
    for (const command of ['presence', 'presence_stats', 'sub_refresh']) {
      expect(await ask(command, `room:${roomId}`)).toMatchObject({ code: 103 })
      expect(await ask(command, `user:${userId}`)).toMatchObject({ code: 108 })
      expect(await ask(command, 'nonsense')).toMatchObject({ code: 102 })
    }
    await client.ask({ subscribe: { channel: `room:${roomId}` } })
    expect(await client.ask({ sub_refresh: { channel: `room:${roomId}` } })).toMatchObject({
      sub_refresh: { expires: false },
    })
    world.chat.rooms.get(roomId)?.members.delete(userId)
    expect(await ask('sub_refresh', `room:${roomId}`)).toMatchObject({ code: 103 })
    client.socket.close()
  })

  it('is refused as a list, and counted, where too many are', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId])
    const edge = await world.edge({ presence: { maxListed: 2 } })
    const all = await Promise.all(Array.from({ length: 3 }, () => raw(edge.url, userId)))
    for (const client of all) await client.ask({ subscribe: { channel: `room:${roomId}` } })
    const [client] = all
    const channel = `room:${roomId}`
    expect(await client?.ask({ presence: { channel } })).toMatchObject({ error: { code: 106 } })
    expect(await client?.ask({ presence_stats: { channel } })).toMatchObject({
      presence_stats: { num_clients: 3, num_users: 1 },
    })
    for (const { socket } of all) socket.close()
  })
})

describe('typing', () => {
  it('reaches those who follow the room at every edge, without an offset, and no store', async () => {
    const [ann, bob] = [randomUUID(), randomUUID()]
    const roomId = world.chat.addRoom([ann, bob])
    const [first, second] = [await world.edge(), await world.edge()]
    const annSide = await follow(await connect(first.url, ann), roomId)
    const bobSide = await follow(await connect(second.url, bob), roomId)
    // Repeated within a second it is told once.
    for (let n = 0; n < 3; n++) await annSide.sub.publish({ type: 'typing' })
    // Two topics: nothing orders what is in one before what is in the other.
    for (const { published } of [annSide, bobSide]) await expect.poll(() => published).toHaveLength(1)
    await world.emit(world.chat.store(roomId, ann, 'm1'))
    for (const { published } of [annSide, bobSide])
      await expect
        .poll(() => published)
        .toMatchObject([
          [{ type: 'typing', userId: ann }, undefined],
          [{ type: 'message.posted', clientMessageId: 'm1' }, 1],
        ])
    const stranger = await raw(first.url, randomUUID())
    const typing = async (channel: string) =>
      (await stranger.ask({ publish: { channel, data: { type: 'typing' } } }))['error']
    expect(await typing(`room:${roomId}`)).toMatchObject({ code: 103 })
    expect(await typing('nonsense')).toMatchObject({ code: 102 })
    expect(await typing(`user:${ann}`)).toMatchObject({ code: 103 })
    stranger.socket.close()
  })
})

describe('rpc', () => {
  it('answers the time, and who was last seen when', async () => {
    const [ann, bob] = [randomUUID(), randomUUID()]
    const roomId = world.chat.addRoom([ann, bob])
    const edge = await world.edge()
    const client = await connect(edge.url, ann)
    const before = Date.now()
    const time: { data: { now: number } } = await client.rpc('time', null)
    expect(time.data.now).toBeGreaterThanOrEqual(before)

    const question = { channel: `room:${roomId}`, userIds: [ann, bob] }
    await expect(client.rpc('last-seen', question)).rejects.toMatchObject({ code: 103 })
    await follow(client, roomId)
    const bobClient = await connect(edge.url, bob)
    await follow(bobClient, roomId)
    bobClient.disconnect()
    await expect
      .poll(async () => {
        const answer: { data: { lastSeen: object } } = await client.rpc('last-seen', question)
        return Object.keys(answer.data.lastSeen).sort()
      })
      .toEqual([ann, bob].sort())
  })

  it('says when somebody was last seen at an edge that has ended, and only of members', async () => {
    const [ann, bob, eve] = [randomUUID(), randomUUID(), randomUUID()]
    const roomId = world.chat.addRoom([ann, bob])
    const lastSeen = async (client: Centrifuge) => {
      const question = { channel: `room:${roomId}`, userIds: [bob, eve, 'nobody'] }
      const answer: { data: { lastSeen: Record<string, number> } } = await client.rpc('last-seen', question)
      return answer.data.lastSeen
    }
    const old = await world.edge()
    await Promise.all([connect(old.url, bob), connect(old.url, eve)])
    const whileThere = Date.now()
    await old.close()
    const fresh = await world.edge()
    const client = await connect(fresh.url, ann)
    await follow(client, roomId)
    const seen = await lastSeen(client)
    expect(Object.keys(seen)).toEqual([bob])
    expect(seen[bob]).toBeGreaterThanOrEqual(whileThere)

    // Who leaves is noted within a second or so; who stays, each interval.
    const noting = await world.edge({ lastSeenIntervalMs: 50 })
    const bobClient = await connect(noting.url, bob)
    await expect.poll(async () => (await lastSeen(client))[bob]).toBeGreaterThan(seen[bob] ?? 0)
    const left = Date.now()
    bobClient.disconnect()
    await expect.poll(async () => (await lastSeen(client))[bob]).toBeGreaterThanOrEqual(left)

    world.chat.failing = true
    await expect(lastSeen(client)).rejects.toMatchObject({ code: 100, temporary: true })
    world.chat.failing = false
  })

  it('says what is wrong with a call', async () => {
    const edge = await world.edge()
    const client = await raw(edge.url, randomUUID())
    const call = async (method: string, data?: unknown) =>
      ((await client.ask({ rpc: { method, data } }))['error'] as { code: number }).code
    expect(await call('')).toBe(104)
    expect(await call('constructor')).toBe(104)
    expect(await call('time', [])).toBe(107)
    expect(await call('last-seen', {})).toBe(102)
    expect(await call('last-seen', { channel: `room:${randomUUID()}` })).toBe(103)
    client.socket.close()
  })
})

describe('a user', () => {
  const emitAccount = <N extends 'SessionRevoked' | 'AccountErased'>(type: N, value: Records[N]) =>
    world.producer.send({
      topic: world.topicNames.accounts,
      key: value.userId,
      value: world.codec.encode(topics.authEvents, type, value),
      headers: toHeaders({ id: randomUUID(), type, source: '/test', time: Date.now() }),
    })

  it('is disconnected at every edge, all connections or those of a session', async () => {
    const [first, second] = [await world.edge(), await world.edge()]
    const userId = randomUUID()
    const identity = identityOf(userId, 600)
    const connections = await Promise.all(
      [first.url, second.url].map(async (url) => {
        const client = await openRaw(url)
        await client.ask({ connect: { token: await world.signer.sign(identity) } })
        return client
      }),
    )
    const other = await raw(second.url, userId)
    const stranger = await raw(second.url, randomUUID())
    await first.disconnect(userId, identity.sessionId, true)
    for (const { closed } of connections)
      expect(await closed).toEqual({ code: 3011, reason: 'force reconnect' })
    await first.disconnect(userId, undefined, false)
    expect(await other.closed).toEqual({ code: 3503, reason: 'force no reconnect' })
    expect(await stranger.ask({ rpc: { method: 'time' } })).toHaveProperty('rpc')
    stranger.socket.close()
  })

  it('is gone with the session, and does not come back with its token', async () => {
    const edge = await world.edge()
    const userId = randomUUID()
    const identity = identityOf(userId, 600)
    const token = await world.signer.sign(identity)
    const client = await openRaw(edge.url)
    await client.ask({ connect: { token } })
    const other = await raw(edge.url, userId)
    const { sessionId } = identity
    await emitAccount('SessionRevoked', { userId, sessionId, reason: 'revoked', revokedAt: Date.now() })
    expect(await client.closed).toMatchObject({ code: 3503 })
    const again = await openRaw(edge.url)
    again.send({ id: 1, connect: { token } })
    expect(await again.closed).toMatchObject({ code: 3500 })
    expect(await other.ask({ rpc: { method: 'time' } })).toHaveProperty('rpc')
    await emitAccount('AccountErased', { userId, erasedAt: Date.now() })
    expect(await other.closed).toMatchObject({ code: 3503 })
  })
})
