import { topics } from '@veza/contracts'
import { type ConsumedRecord } from '@veza/kit/kafka'
import { Centrifuge, type PublicationContext, type Subscription } from 'centrifuge'
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type World, startWorld } from './testing/edge-under-test.ts'

let world: World
const clients: Centrifuge[] = []

beforeAll(async () => {
  world = await startWorld()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect()
})
afterAll(() => world.close())

const connect = async (url: string, userId: string): Promise<Centrifuge> => {
  const client = new Centrifuge(url, {
    websocket: WebSocket,
    getToken: () => world.token(userId),
    minReconnectDelay: 20,
  })
  clients.push(client)
  client.connect()
  await client.ready(5000)
  return client
}

const follow = async (
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

describe('the SDK', () => {
  it('connects, subscribes, publishes, and is sent what happens in the room', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId])
    const edge = await world.edge()
    const commands: ConsumedRecord[] = []
    const consumer = await world.kafka.consume({
      topics: [world.topicNames.commands],
      from: 'end',
      onRecords: (records) => void commands.push(...records),
    })
    const client = await connect(edge.url, userId)
    const { sub, seen } = await follow(client, roomId)

    await sub.publish({ type: 'message.post', clientMessageId: 'm1', body: 'hello' })

    await expect.poll(() => commands.length).toBe(1)
    const [command] = commands
    if (command?.value == null) throw new Error('no command')
    expect(command.key).toBe(roomId)
    expect(world.codec.decode(topics.chatCommands, command.value)).toMatchObject({
      type: 'PostMessage',
      value: { roomId, senderId: userId, clientMessageId: 'm1', body: 'hello' },
    })

    await world.emit(world.chat.store(roomId, userId, 'm1', 'hello'))
    await expect.poll(() => seen.length).toBe(1)
    expect(seen[0]).toMatchObject({
      offset: 1,
      data: {
        type: 'message.posted',
        senderId: userId,
        clientMessageId: 'm1',
        body: 'hello',
        messageNumber: 1,
      },
    })
    await consumer.stop()
  })
})
