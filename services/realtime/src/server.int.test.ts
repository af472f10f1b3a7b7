import { createLog } from '@veza/kit/log'
import { Centrifuge } from 'centrifuge/build/protobuf'
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Membership } from './adapters/membership.ts'
import { type Filler } from './rooms/fill.ts'
import { createListeners } from './listeners.ts'
import { createPresence } from './presence/presence.ts'
import { type Rooms, createRooms } from './rooms/rooms.ts'
import { type Publish } from './protocol/replies.ts'
import { type Server, createServer } from './server.ts'
import { edgeSettings, identityOf } from './testing/edge-under-test.ts'
import { type RawClient, openRaw } from './testing/raw-client.ts'
import { createUserLogs } from './user-logs.ts'
import { createUsers } from './users.ts'
import { nativeWebSockets } from './websockets.ts'

let server: Server | undefined
afterEach(() => server?.close())

const roomId = randomUUID()
const channel = `room:${roomId}`

/** The library, but that it notes the topics that are published to. */
const watched = (topics: string[]): ReturnType<typeof nativeWebSockets> => {
  const library = nativeWebSockets()
  return {
    ...library,
    App() {
      const app = library.App()
      const publish = app.publish.bind(app)
      app.publish = (topic, ...message) => {
        topics.push(topic as string)
        return publish(topic, ...message)
      }
      return app
    },
  }
}

/** A server whose room can be published to from within the handling of a frame. */
const setUp = async (
  whileSubscribing: (rooms: Rooms) => void,
): Promise<{ rooms: Rooms; url: string; topics: string[]; publish: Publish }> => {
  const settings = edgeSettings()
  const topics: string[] = []
  const { publish, listen } = createServer({
    library: watched(topics),
    settings: settings.server,
    log: createLog('test', 'silent'),
    onDropped: () => undefined,
  })
  const rooms = createRooms({
    settings: settings.rooms,
    publish,
    onGap: () => undefined,
    onForeignEpoch: () => undefined,
    now: Date.now,
  })
  const membership: Membership = {
    isMember() {
      whileSubscribing(rooms)
      return true
    },
    mayPublish: () => true,
    ask: () => Promise.reject(new Error('not asked')),
    forget: () => undefined,
  }
  const filler: Filler = {
    fill: () => undefined,
    compare: () => undefined,
    catchUp: () => Promise.resolve(),
    stats: { filled: 0, resets: 0 },
    close: () => undefined,
  }
  server = await listen({
    settings: settings.session,
    tokens: { verify: () => Promise.resolve(identityOf(randomUUID(), 600)) },
    membership,
    rooms,
    filler,
    source: { heads: () => Promise.resolve([]), events: () => Promise.resolve(undefined) },
    users: createUsers(() => undefined),
    userLogs: createUserLogs({
      source: {
        userLogs: (positions) =>
          Promise.resolve(positions.map(({ userId }) => ({ userId, epoch: 'e', offset: 0, events: [] }))),
      },
      lead: () => undefined,
      publish,
      disconnect: () => undefined,
      log: createLog('test', 'silent'),
    }),
    presence: createPresence({
      edgeId: randomUUID(),
      settings: settings.presence,
      send: () => undefined,
      publish,
      now: Date.now,
      random: Math.random,
    }),
    typing: { start: () => undefined, onStart: () => undefined },
    listeners: createListeners({ settings: settings.listeners, publish, now: Date.now }),
    mayHear: () => Promise.resolve([true]),
    post: () => Promise.resolve(),
    storedLastSeen: () => Promise.resolve([]),
    markRead: () => Promise.resolve({ code: 'not-a-member' }),
    report: () => undefined,
    now: Date.now,
  })
  return { rooms, topics, publish, url: `ws://127.0.0.1:${server.port}/connection/websocket` }
}

interface Subscribed {
  subscribe: { offset: number; publications?: { offset: number }[] }
}
interface Pushed {
  push: { pub: { offset: number } }
}

const liveOffsets = (client: RawClient, from: number): number[] =>
  client.lines
    .slice(from)
    .flatMap((line) => ('push' in line ? [(line as unknown as Pushed).push.pub.offset] : []))

describe('the tick in which a client subscribes', () => {
  it('loses nothing, repeats nothing and answers first, whatever is published before and after in it', async () => {
    let round = 0
    let next = 1
    const publishSome = (rooms: Rooms, count: number): void => {
      const room = rooms.get(roomId)
      if (room === undefined) return
      for (let n = 0; n < count; n++) {
        const offset = next++
        // Beyond 16 KiB the library takes another way.
        const text = 'x'.repeat(round % 3 === 0 ? 20_000 : 10)
        rooms.offer(room, 'e', offset, () => `"${text}"`)
      }
      rooms.flush()
    }
    const { rooms, url } = await setUp((all) => {
      publishSome(all, round % 5)
      queueMicrotask(() => {
        publishSome(all, 1 + (round % 4))
      })
    })
    rooms.start(rooms.hold(roomId), 'e', 0)

    const [steady, ...others] = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const client = await openRaw(url)
        await client.ask({ connect: { token: 't' } })
        return client
      }),
    )
    if (steady === undefined) throw new Error('no client')
    await steady.ask({ subscribe: { channel } })
    const steadyFrom = next

    for (round = 1; round <= 60; round++) {
      const client = others[round % others.length]
      if (client === undefined) throw new Error('no client')
      const from = client.lines.length
      const since = round % 2 === 0 ? {} : { recover: true, epoch: 'e', offset: Math.max(0, next - 3) }
      const reply = (await client.ask({ subscribe: { channel, ...since } })) as unknown as Subscribed
      publishSome(rooms, 2)
      await client.ask({ unsubscribe: { channel } })
      expect(client.lines[from]).toHaveProperty('subscribe')
      const { offset, publications = [] } = reply.subscribe
      const seen = [...publications.map((publication) => publication.offset), ...liveOffsets(client, from)]
      expect(seen).toEqual(Array.from({ length: next - 1 - offset }, (_, index) => offset + 1 + index))
    }
    await expect.poll(() => liveOffsets(steady, 0).at(-1)).toBe(next - 1)
    const seen = liveOffsets(steady, 0).filter((offset) => offset >= steadyFrom)
    expect(seen).toEqual(Array.from({ length: next - steadyFrom }, (_, index) => steadyFrom + index))
    for (const client of [steady, ...others]) client.socket.close()
  })
})

describe('a subscriber that is passed by', () => {
  it('misses what is published meanwhile, and that alone', async () => {
    const { rooms, url, publish } = await setUp(() => undefined)
    const room = rooms.hold(roomId)
    rooms.start(room, 'e', 0)
    const client = await openRaw(url)
    await client.ask({ connect: { token: 't' } })
    await client.ask({ subscribe: { channel } })
    const offer = (offset: number): void => {
      rooms.offer(room, 'e', offset, () => '{}')
      rooms.flush()
    }
    // All in one tick, in which the library gathers what it sends.
    for (let offset = 1; offset <= 20; offset += 2) {
      offer(offset)
      for (const subscriber of room.subscribers) subscriber.pause(channel)
      publish(channel, [{ type: 'published', channel, publication: { offset: 1000 + offset, data: '{}' } }])
      for (const subscriber of room.subscribers) subscriber.listen(channel)
      offer(offset + 1)
    }
    await expect
      .poll(() => liveOffsets(client, 0))
      .toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    client.socket.close()
  })
})

describe('a frame for many', () => {
  it('is encoded and published once an encoding that has subscribers', async () => {
    const { rooms, topics, url } = await setUp(() => undefined)
    const room = rooms.hold(roomId)
    rooms.start(room, 'e', 0)
    const publish = (offset: number): void => {
      rooms.offer(room, 'e', offset, () => '{}')
      rooms.flush()
    }
    publish(1)
    expect(topics).toEqual([])

    const plain = await Promise.all(Array.from({ length: 30 }, () => openRaw(url)))
    for (const client of plain) {
      await client.ask({ connect: { token: 't' } })
      await client.ask({ subscribe: { channel } })
    }
    publish(2)
    expect(topics).toEqual([channel])

    const sdks = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const sdk = new Centrifuge(url, { token: 't', websocket: WebSocket })
        const seen: unknown[] = []
        const sub = sdk.newSubscription(channel)
        sub.on('publication', ({ offset }) => seen.push(offset))
        sub.subscribe()
        sdk.connect()
        await sub.ready(5000)
        return { sdk, seen }
      }),
    )
    publish(3)
    expect(topics).toEqual([channel, channel, `b:${channel}`])
    for (const client of plain) await expect.poll(() => liveOffsets(client, 0)).toEqual([2, 3])
    for (const { sdk, seen } of sdks) {
      await expect.poll(() => seen).toEqual([3])
      sdk.disconnect()
    }
    for (const client of plain) client.socket.close()
  })
})
