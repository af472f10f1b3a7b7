import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openRaw } from './testing/raw-client.ts'
import { hooks, world, edge, authenticated, edgeWith } from './testing/protocol-clients.ts'

hooks()

describe('connect', () => {
  it('answers with the client, its server-side subscription, the token’s time and the pings', async () => {
    const userId = randomUUID()
    const client = await openRaw(edge.url)
    const reply = await client.ask({ connect: { token: await world.token(userId, 100), name: 'js' } })
    expect(reply).toMatchObject({
      connect: { version: 'veza', subs: { [`user:${userId}`]: {} }, expires: true, ping: 25, pong: true },
    })
    expect((reply['connect'] as { ttl: number }).ttl).toBeLessThanOrEqual(100)
    expect((reply['connect'] as { ttl: number }).ttl).toBeGreaterThan(90)
    client.socket.close()
  })

  it.each([
    ['none', ''],
    ['nonsense', 'a.b.c'],
  ])('closes with 3500 for a token that is %s', async (_, token) => {
    const client = await openRaw(edge.url)
    client.send({ id: 1, connect: { token } })
    expect(await client.closed).toEqual({ code: 3500, reason: 'invalid token' })
  })

  it('tells of an expired token by 109, and takes nothing more', async () => {
    const client = await openRaw(edge.url)
    expect(await client.ask({ connect: { token: await world.token(randomUUID(), -60) } })).toMatchObject({
      error: { code: 109, message: 'token expired' },
    })
    client.send({ id: 2, rpc: {} })
    expect(await client.closed).toMatchObject({ code: 3501 })
  })

  it('keeps what follows until the token is verified, and answers in one frame', async () => {
    const userId = randomUUID()
    const client = await openRaw(edge.url)
    const token = await world.token(userId)
    client.send({ id: 1, connect: { token } }, { id: 2, rpc: {} }, { id: 3, presence: { channel: 'x' } })
    await expect.poll(() => client.lines.length).toBe(3)
    expect(client.frames.length).toBe(1)
    expect(client.lines).toMatchObject([
      { id: 1, connect: {} },
      { id: 2, error: { code: 104 } },
      { id: 3, error: { code: 102 } },
    ])
    client.socket.close()
  })

  it('gives up on a connection that does not authenticate itself', async () => {
    const { url } = await edgeWith({ connectDeadlineMs: 50 })
    const client = await openRaw(url)
    expect(await client.closed).toEqual({ code: 3502, reason: 'stale' })
  })

  it('bounds the connections of a user', async () => {
    const { url } = await edgeWith({ maxConnectionsPerUser: 1 })
    const userId = randomUUID()
    const first = await authenticated(userId, url)
    const second = await openRaw(url)
    second.send({ id: 1, connect: { token: await world.token(userId) } })
    expect(await second.closed).toEqual({ code: 3504, reason: 'connection limit' })
    first.socket.close()
    await first.closed
    await expect
      .poll(async () => (await openRaw(url)).ask({ connect: { token: await world.token(userId) } }))
      .toHaveProperty('connect')
  })
})

describe('bad input', () => {
  it.each([
    ['malformed JSON', '{"id":1,'],
    ['no object', '42'],
    ['an unknown command', '{"id":1,"fly":{}}'],
    ['an empty frame', ''],
    ['a pong that nobody asked for', '{}'],
    ['a second connect', '{"id":1,"connect":{"token":"t"}}'],
  ])('closes only the connection that sends %s', async (_, frame) => {
    const [bad, good] = [await authenticated(), await authenticated()]
    bad.send(frame)
    expect(await bad.closed).toEqual({ code: 3501, reason: 'bad request' })
    expect(await good.ask({ rpc: {} })).toMatchObject({ error: { code: 104, message: 'method not found' } })
    good.socket.close()
  })

  it('answers what came before the malformed line', async () => {
    const client = await authenticated()
    client.send({ id: 7, rpc: {} }, 'nonsense', { id: 8, rpc: {} })
    expect(await client.closed).toMatchObject({ code: 3501 })
    expect(client.lines.filter(({ id }) => id === 7 || id === 8)).toMatchObject([{ id: 7 }])
  })

  it('takes no command before connect', async () => {
    const client = await openRaw(edge.url)
    client.send({ id: 1, rpc: {} })
    expect(await client.closed).toMatchObject({ code: 3501 })
  })

  it('takes no binary frames and no asynchronous messages', async () => {
    const [binary, sender] = [await authenticated(), await authenticated()]
    binary.socket.send(Buffer.from('{}'))
    expect(await binary.closed).toMatchObject({ code: 3501 })
    sender.send({ send: { data: {} } })
    expect(await sender.closed).toEqual({ code: 3508, reason: 'not available' })
  })

  it('closes on a frame beyond the limit', async () => {
    const client = await authenticated()
    client.send('x'.repeat(64 * 1024 + 1))
    expect([1006, 1009]).toContain((await client.closed).code)
  })

  it('bounds the rate: 111 at first, then 3013', async () => {
    const { url } = await edgeWith({ commandRate: { perSecond: 0.1, burst: 5 } })
    const client = await authenticated(randomUUID(), url)
    client.send(...Array.from({ length: 20 }, (_, index) => ({ id: index + 1, rpc: {} })))
    expect(await client.closed).toEqual({ code: 3013, reason: 'too many requests' })
    const codes = client.lines.slice(1).map((line) => (line['error'] as { code: number }).code)
    expect(codes).toEqual([104, 104, 104, 104, 111, 111, 111, 111, 111])
  })
})

describe('the upgrade', () => {
  it.each([
    ['https://veza.example', undefined],
    ['https://elsewhere.example', 403],
    ['null', 403],
  ])('answers the origin %s with %s', async (origin, status) => {
    const opened = openRaw(edge.url, { origin })
    if (status === undefined) (await opened).socket.close()
    else await expect(opened).rejects.toThrow(`${status}`)
  })

  it('takes pages of its own host', async () => {
    const client = await openRaw(edge.url, { origin: `http://127.0.0.1:${edge.port}` })
    client.socket.close()
  })

  it.each(['centrifuge-json', 'centrifuge-protobuf'])('speaks %s', async (subprotocol) => {
    const client = await openRaw(edge.url, { protocols: [subprotocol] })
    expect(client.socket.protocol).toBe(subprotocol)
    client.socket.close()
  })

  it('speaks nothing else', async () => {
    await expect(openRaw(edge.url, { protocols: ['mqtt'] })).rejects.toThrow('400')
  })

  it('takes no text from a connection that speaks Protobuf', async () => {
    const client = await openRaw(edge.url, { protocols: ['centrifuge-protobuf'] })
    client.send({})
    expect(await client.closed).toMatchObject({ code: 3501 })
  })

  it('is nowhere else', async () => {
    await expect(openRaw(edge.url.replace('/connection/', '/c/'))).rejects.toThrow('404')
  })

  it('fails to start on a port in use, and says which', async () => {
    await expect(world.edge({ server: { port: edge.port } })).rejects.toThrow(
      `127.0.0.1:${edge.port} can not be listened on`,
    )
  })
})

describe('subscribe', () => {
  it('answers what can not be had by the documented code', async () => {
    const userId = randomUUID()
    const mine = world.chat.addRoom([userId])
    const other = world.chat.addRoom([randomUUID()])
    const client = await authenticated(userId)
    const subscribe = async (channel: string) => (await client.ask({ subscribe: { channel } }))['error']
    expect(await subscribe('nonsense')).toEqual({ code: 102, message: 'unknown channel' })
    expect(await subscribe(`room:${randomUUID()}`)).toMatchObject({ code: 102 })
    expect(await subscribe(`room:${other}`)).toEqual({ code: 103, message: 'permission denied' })
    expect(await subscribe(`user:${randomUUID()}`)).toMatchObject({ code: 103 })
    expect(await subscribe(`user:${userId}`)).toMatchObject({ code: 105 })
    expect(await subscribe(`room:${mine}`)).toBeUndefined()
    expect(await subscribe(`room:${mine}`)).toEqual({ code: 105, message: 'already subscribed' })
    client.socket.close()
  })

  it('bounds the subscriptions of a connection', async () => {
    const { url } = await edgeWith({ maxSubscriptions: 1 })
    const userId = randomUUID()
    const [first, second] = [world.chat.addRoom([userId]), world.chat.addRoom([userId])]
    const client = await authenticated(userId, url)
    expect(await client.ask({ subscribe: { channel: `room:${first}` } })).toHaveProperty('subscribe')
    expect(await client.ask({ subscribe: { channel: `room:${second}` } })).toMatchObject({
      error: { code: 106 },
    })
    expect(await client.ask({ unsubscribe: { channel: `room:${first}` } })).toMatchObject({ unsubscribe: {} })
    expect(await client.ask({ subscribe: { channel: `room:${second}` } })).toHaveProperty('subscribe')
    client.socket.close()
  })

  it('handles the commands of a channel one by one', async () => {
    const userId = randomUUID()
    const channel = `room:${world.chat.addRoom([userId])}`
    const client = await authenticated(userId)
    client.send(
      { id: 1, subscribe: { channel } },
      { id: 2, unsubscribe: { channel } },
      { id: 3, subscribe: { channel } },
      { id: 4, subscribe: { channel } },
    )
    await expect.poll(() => client.lines.length).toBe(5)
    expect(client.lines.slice(1)).toMatchObject([
      { id: 1, subscribe: {} },
      { id: 2, unsubscribe: {} },
      { id: 3, subscribe: {} },
      { id: 4, error: { code: 105 } },
    ])
    client.socket.close()
  })

  it('asks chat for many at once', async () => {
    const userId = randomUUID()
    const client = await authenticated(userId)
    const rooms = Array.from({ length: 50 }, () => world.chat.addRoom([userId]))
    const before = world.chat.requests.length
    client.send(
      ...rooms.map((roomId, index) => ({ id: index + 1, subscribe: { channel: `room:${roomId}` } })),
    )
    await expect.poll(() => client.lines.length).toBe(51)
    // Whoever left before is told of meanwhile.
    const asked = world.chat.requests.slice(before).filter((path) => path !== '/internal/v1/last-seen')
    expect(asked).toEqual(['/internal/v1/access'])
    client.socket.close()
  })

  it('says that a try is worth it when chat is away', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId])
    const client = await authenticated(userId)
    world.chat.failing = true
    const internal = { error: { code: 100, message: 'internal server error', temporary: true } }
    expect(await client.ask({ subscribe: { channel: `room:${roomId}` } })).toMatchObject(internal)
    expect(await client.ask({ history: { channel: `room:${roomId}` } })).toMatchObject(internal)
    const data = { type: 'message.post', clientMessageId: 'a', body: 'b' }
    expect(await client.ask({ publish: { channel: `room:${roomId}`, data } })).toMatchObject(internal)
    world.chat.failing = false
    expect(await client.ask({ subscribe: { channel: `room:${roomId}` } })).toHaveProperty('subscribe')
    client.socket.close()
  })
})

describe('publish', () => {
  it('answers what can not be posted by the documented code', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId])
    const client = await authenticated(userId)
    const post = { type: 'message.post', clientMessageId: 'm', body: 'b' }
    const publish = async (channel: string, data: unknown) =>
      (await client.ask({ publish: { channel, data } }))['error']
    expect(await publish(`room:${roomId}`, { ...post, body: '' })).toEqual({
      code: 107,
      message: 'body-empty',
    })
    expect(await publish(`room:${roomId}`, { ...post, body: 'x'.repeat(4001) })).toEqual({
      code: 107,
      message: 'body-too-long',
    })
    expect(await publish(`room:${roomId}`, { ...post, clientMessageId: 1 })).toMatchObject({ code: 107 })
    expect(await publish(`room:${roomId}`, { ...post, type: 'x' })).toEqual({
      code: 107,
      message: 'unknown-type',
    })
    expect(await publish(`room:${roomId}`, null)).toMatchObject({ code: 107 })
    expect(await publish(`room:${roomId}`, 'text')).toMatchObject({ code: 107 })
    expect(await publish('nonsense', post)).toMatchObject({ code: 102 })
    expect(await publish(`user:${userId}`, post)).toMatchObject({ code: 103 })
    expect(await publish(`room:${randomUUID()}`, post)).toMatchObject({ code: 102 })
    expect(await publish(`room:${world.chat.addRoom([])}`, post)).toMatchObject({ code: 103 })
    expect(await publish(`room:${roomId}`, post)).toBeUndefined()
    client.socket.close()
  })

  it('is traced from the frame to the acknowledgement', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId])
    const client = await authenticated(userId)
    const data = { type: 'message.post', clientMessageId: 'm', body: 'b' }
    await client.ask({ publish: { channel: `room:${roomId}`, data } })
    await expect
      .poll(() => world.telemetry.spans().map(({ name }) => name))
      .toContain(`publish ${world.topicNames.commands}`)
    client.socket.close()
  })
})

describe('history', () => {
  it('reads forwards, backwards, from a position, and the position alone', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId], 'e')
    for (let n = 1; n <= 5; n++) world.chat.store(roomId, userId, `m${n}`)
    const client = await authenticated(userId)
    const history = async (options: object) => {
      const reply = await client.ask({ history: { channel: `room:${roomId}`, ...options } })
      const result = reply['history'] as { offset: number; epoch: string; publications: { offset: number }[] }
      expect(result).toMatchObject({ offset: 5, epoch: 'e' })
      return result.publications.map(({ offset }) => offset)
    }
    expect(await history({})).toEqual([])
    expect(await history({ limit: -1 })).toEqual([1, 2, 3, 4, 5])
    expect(await history({ limit: 2 })).toEqual([1, 2])
    expect(await history({ limit: 2, reverse: true })).toEqual([5, 4])
    expect(await history({ limit: 9, since: { offset: 3, epoch: 'e' } })).toEqual([4, 5])
    expect(await history({ limit: 9, since: { offset: 3, epoch: 'e' }, reverse: true })).toEqual([2, 1])
    const history2 = (channel: string, since?: object) =>
      client.ask({ history: { channel, limit: 1, since } })
    expect(await history2(`room:${roomId}`, { offset: 3, epoch: 'x' })).toMatchObject({
      error: { code: 112 },
    })
    expect(await history2(`user:${userId}`)).toMatchObject({ error: { code: 108 } })
    expect(await history2('nonsense')).toMatchObject({ error: { code: 102 } })
    expect(await history2(`room:${randomUUID()}`)).toMatchObject({ error: { code: 102 } })
    client.socket.close()
  })
})
