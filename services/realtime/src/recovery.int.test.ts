import { type Centrifuge } from 'centrifuge'
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openRaw } from './testing/raw-client.ts'
import { hooks, world, connect, follow, offsets, upTo, setUp } from './testing/sdk-clients.ts'

hooks()

describe('recovery', () => {
  const away = async (client: Centrifuge, whileAway: () => void | Promise<void>): Promise<void> => {
    client.disconnect()
    await whileAway()
    client.connect()
    await client.ready(5000)
  }

  it('is exact from the ring', async () => {
    const { client, sub, seen, store, edge } = await setUp()
    const other = await connect(edge.url, randomUUID())
    await world.emit(...store(3))
    await expect.poll(() => seen.length).toBe(3)
    const asked = world.chat.requests.length
    await away(client, () => world.emit(...store(5)))
    await sub.ready(5000)
    await expect.poll(() => offsets(seen)).toEqual(upTo(8))
    expect(world.chat.requests.slice(asked).filter((path) => path.endsWith('/events'))).toEqual([])
    other.disconnect()
  })

  it('is exact from chat’s store, up to 300, and else says that it is not', async () => {
    const { client, sub, seen, store, edge, roomId, userId } = await setUp({ rooms: { ringEvents: 0 } })
    // What the edge has yet to read when the client is back comes live, and does not count as missed.
    const other = await follow(await connect(edge.url, userId), roomId)
    const emit = async (count: number): Promise<void> => {
      const expected = other.seen.length + count
      await world.emit(...store(count))
      await expect.poll(() => other.seen.length, { timeout: 10_000 }).toBe(expected)
    }
    const contexts: { recovered: boolean; wasRecovering: boolean; offset: number | undefined }[] = []
    sub.on('subscribed', ({ recovered, wasRecovering, streamPosition }) => {
      contexts.push({ recovered, wasRecovering, offset: streamPosition?.offset })
    })
    await emit(1)
    await expect.poll(() => seen.length).toBe(1)
    await away(client, () => emit(300))
    await expect.poll(() => seen.length).toBe(301)
    expect(offsets(seen)).toEqual(upTo(301))
    await away(client, () => emit(302))
    await expect.poll(() => contexts.length).toBe(2)
    expect(contexts).toMatchObject([
      { recovered: true, wasRecovering: true },
      { recovered: false, wasRecovering: true },
    ])
    await emit(1)
    await expect.poll(() => offsets(seen).at(-1)).toBe(604)
  })

  it('goes on at another edge, which never followed the room and is behind', async () => {
    const { roomId, userId, seen, store, client, edge, sub } = await setUp()
    await world.emit(...store(4))
    await expect.poll(() => seen.length).toBe(4)
    const position = { epoch: world.chat.rooms.get(roomId)?.epoch ?? '', offset: 4 }
    await edge.close()
    client.disconnect()
    sub.unsubscribe()
    await world.emit(...store(3))
    const second = await world.edge()
    const next = await connect(second.url, userId)
    const again = next.newSubscription(`room:${roomId}`, { since: position })
    const recovered: (number | undefined)[] = []
    again.on('publication', ({ offset }) => recovered.push(offset))
    again.subscribe()
    await again.ready(5000)
    await expect.poll(() => recovered).toEqual([5, 6, 7])
    // A client that has seen more than this edge: it catches up first.
    const ahead = await connect(second.url, userId)
    store(2)
    const sub2 = ahead.newSubscription(`room:${roomId}`, { since: { ...position, offset: 8 } })
    const rest: (number | undefined)[] = []
    sub2.on('publication', ({ offset }) => rest.push(offset))
    sub2.subscribe()
    await sub2.ready(5000)
    await expect.poll(() => rest).toEqual([9])
    await expect.poll(() => recovered).toEqual([5, 6, 7, 8, 9])
    // And one that has seen more than there is.
    const beyond = await connect(second.url, userId)
    const sub3 = beyond.newSubscription(`room:${roomId}`, { since: { ...position, offset: 80 } })
    const context = new Promise((resolve) => sub3.on('subscribed', resolve))
    sub3.subscribe()
    expect(await context).toMatchObject({
      recovered: false,
      wasRecovering: true,
      streamPosition: { offset: 9 },
    })
  })

  it('has clients subscribe anew when the room’s stream was replaced', async () => {
    const { roomId, userId, seen, store, sub } = await setUp()
    await world.emit(...store(4))
    await expect.poll(() => seen.length).toBe(4)
    const subscribing: number[] = []
    sub.on('subscribing', ({ code }) => subscribing.push(code))
    const context = new Promise((resolve) => sub.on('subscribed', resolve))
    const room = world.chat.rooms.get(roomId)
    if (room === undefined) throw new Error('no room')
    const stale = room.events.at(-1)
    room.events.splice(2)
    room.epoch = 'restored'
    await world.emit(world.chat.store(roomId, userId, 'after the restore'))
    expect(await context).toMatchObject({
      recovered: false,
      wasRecovering: true,
      streamPosition: { epoch: 'restored', offset: 3 },
    })
    expect(subscribing).toEqual([2500])
    // What is left of the former stream is no event of this one.
    if (stale !== undefined) await world.emit(stale)
    await world.emit(...store(1))
    await expect.poll(() => offsets(seen)).toEqual([1, 2, 3, 4, 4])
  })

  it('refuses a position that it can not recover from to clients that ask for it', async () => {
    const { edge, roomId, userId } = await setUp()
    const raw = await openRaw(edge.url)
    await raw.ask({ connect: { token: await world.token(userId) } })
    const subscribe = { channel: `room:${roomId}`, recover: true, epoch: 'another', offset: 1, flag: 2 }
    expect(await raw.ask({ subscribe })).toMatchObject({ error: { code: 112 } })
    raw.socket.close()
  })
})
