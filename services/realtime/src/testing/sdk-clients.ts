import { topics } from '@veza/contracts'
import { Centrifuge, type PublicationContext, type Subscription } from 'centrifuge'
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { WebSocket } from 'ws'
import { type PartialSettings, type World, startWorld } from './edge-under-test.ts'

/** Clients of the SDK, and what they follow, against one edge or more of a test file's own. */

export let world: World
const clients: Centrifuge[] = []

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    world = await startWorld()
  })

  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect()
  })

  afterAll(() => world.close())
}

export const connect = async (
  url: string,
  userId: string,
  Sdk: typeof Centrifuge = Centrifuge,
): Promise<Centrifuge> => {
  const client = new Sdk(url, {
    websocket: WebSocket,
    getToken: () => world.token(userId),
    minReconnectDelay: 20,
  })
  clients.push(client)
  client.connect()
  await client.ready(5000)
  return client
}

export const follow = async (
  client: Centrifuge,
  roomId: string,
): Promise<{ sub: Subscription; seen: PublicationContext[] }> => {
  const sub = client.newSubscription(`room:${roomId}`)
  const seen: PublicationContext[] = []
  sub.on('publication', (publication) => seen.push(publication))
  sub.subscribe()
  await sub.ready(5000)
  return { sub, seen }
}

/** The room's topic says that somebody left it; chat may have them as a member again. */
export const tellLeft = async (roomId: string, userId: string): Promise<void> => {
  const value = { roomId, actorId: randomUUID(), userId, how: 'removed', happenedAt: Date.now() }
  await world.producer.send({
    topic: world.topicNames.rooms,
    key: roomId,
    value: world.codec.encode(topics.roomEvents, 'MemberLeft', value),
    headers: {},
  })
}

/** Somebody is a member no more, and the room's topic says so. */
export const leave = (roomId: string, userId: string): Promise<void> => {
  world.chat.rooms.get(roomId)?.members.delete(userId)
  return tellLeft(roomId, userId)
}

export const offsets = (seen: readonly PublicationContext[]): (number | undefined)[] =>
  seen.map(({ offset }) => offset)
export const upTo = (count: number, from = 1): number[] =>
  Array.from({ length: count }, (_, index) => from + index)

/** A member who follows a room on an edge of its own. */
export const setUp = async (settings?: PartialSettings) => {
  const userId = randomUUID()
  const roomId = world.chat.addRoom([userId])
  const edge = await world.edge(settings)
  const client = await connect(edge.url, userId)
  const { sub, seen } = await follow(client, roomId)
  const store = (count: number) =>
    Array.from({ length: count }, () => world.chat.store(roomId, userId, randomUUID()))
  return { userId, roomId, edge, client, sub, seen, store }
}
