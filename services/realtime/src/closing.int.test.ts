import { Centrifuge } from 'centrifuge'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { hooks, world, authenticated, edgeWith } from './testing/protocol-clients.ts'

hooks()

describe('time', () => {
  it('closes what does not answer a ping, and keeps the SDK that does', async () => {
    const { url } = await edgeWith({ pingIntervalMs: 100, pongTimeoutMs: 60 })
    const client = await authenticated(randomUUID(), url)
    const sdk = new Centrifuge(url, { websocket: WebSocket, token: await world.token(randomUUID()) })
    const disconnected: number[] = []
    sdk.on('connecting', ({ code }) => disconnected.push(code))
    sdk.connect()
    await sdk.ready(5000)
    expect(await client.closed).toEqual({ code: 3012, reason: 'no pong' })
    expect(client.lines.at(-1)).toEqual({})
    expect(sdk.state).toBe('connected')
    expect(disconnected).toEqual([0])
    sdk.disconnect()
  })

  it('closes what has expired, unless it is refreshed', async () => {
    const { url } = await edgeWith({ expiryGraceMs: 0 })
    const [userId, other] = [randomUUID(), randomUUID()]
    const [lapsed, refreshed, thief, late, bad] = [
      await authenticated(userId, url, 3),
      await authenticated(userId, url, 3),
      await authenticated(userId, url),
      await authenticated(userId, url),
      await authenticated(userId, url),
    ]
    const reply = await refreshed.ask({ refresh: { token: await world.token(userId, 600) } })
    expect(reply).toMatchObject({ refresh: { expires: true } })
    expect((reply['refresh'] as { ttl: number }).ttl).toBeGreaterThan(500)
    thief.send({ id: 1, refresh: { token: await world.token(other) } })
    expect(await thief.closed).toMatchObject({ code: 3500 })
    late.send({ id: 1, refresh: { token: await world.token(userId, -60) } })
    expect(await late.closed).toMatchObject({ code: 3005 })
    bad.send({ id: 1, refresh: { token: 'nonsense' } })
    expect(await bad.closed).toMatchObject({ code: 3500 })
    expect(await lapsed.closed).toEqual({ code: 3005, reason: 'connection expired' })
    expect(await refreshed.ask({ rpc: {} })).toHaveProperty('error')
    refreshed.socket.close()
  })
})

describe('a socket that reads nothing', () => {
  it('is closed once it has left too much unread, and no other is; what it missed is there for it', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId])
    // More than a step below: the edge sees the connection fall behind before it is cut, and can say why.
    const slowEdge = await world.edge({ server: { maxBackpressureBytes: 4 * 1024 * 1024 } })
    const slow = await authenticated(userId, slowEdge.url)
    const good = await authenticated(userId, slowEdge.url)
    const channel = `room:${roomId}`
    for (const client of [slow, good]) await client.ask({ subscribe: { channel } })
    slow.socket.pause()
    const body = randomBytes(1500).toString('hex')
    const pushes = () => good.lines.filter((line) => 'push' in line).length
    // The kernel's buffers of a local connection hold a few MiB.
    for (let sent = 0; sent < 6000; sent += 200) {
      await world.emit(
        ...Array.from({ length: 200 }, (_, n) => world.chat.store(roomId, userId, `m${sent + n}`, body)),
      )
      // Step by step, so that the edge looks at the clock in between.
      await expect.poll(pushes, { timeout: 20_000 }).toBe(sent + 200)
    }
    await expect
      .poll(async () => (await world.telemetry.metrics()).includes('reason="slow"'), { timeout: 10_000 })
      .toBe(true)
    slow.socket.resume()
    expect((await slow.closed).code).toBe(1006)

    // What it was sent before is a beginning without holes, and what follows it can be had.
    const sent = slow.lines.flatMap((line) => {
      const { push } = line as { push?: { pub?: { offset: number } } }
      return push?.pub?.offset ?? []
    })
    expect(sent).toEqual(Array.from(sent, (_, index) => index + 1))
    expect(sent.length).toBeLessThan(6000)
    const { epoch = '' } = world.chat.rooms.get(roomId) ?? {}
    const again = await authenticated(userId, slowEdge.url)
    const recovered = async (offset: number) => {
      const reply = await again.ask({ subscribe: { channel, recover: true, epoch, offset } })
      await again.ask({ unsubscribe: { channel } })
      const { subscribe } = reply as {
        subscribe: { recovered?: boolean; publications?: { offset: number }[] }
      }
      return [subscribe.recovered ?? false, subscribe.publications?.map((one) => one.offset) ?? []] as const
    }
    if (sent.length < 5700) expect(await recovered(sent.length)).toEqual([false, []])
    const missed: number[] = []
    while (sent.length + missed.length < 6000) {
      const since = { offset: sent.length + missed.length, epoch }
      const { history } = (await again.ask({ history: { channel, since, limit: 300 } })) as {
        history: { publications: { offset: number }[] }
      }
      missed.push(...history.publications.map((one) => one.offset))
    }
    expect(missed).toEqual(Array.from(missed, (_, index) => sent.length + index + 1))
    expect(await recovered(5900)).toEqual([true, Array.from({ length: 100 }, (_, index) => 5901 + index)])
    again.socket.close()
    good.socket.close()
  })
})
