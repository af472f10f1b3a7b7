import { Centrifuge } from 'centrifuge'
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf'
import { topics } from '@veza/contracts'
import { type ConsumedRecord } from '@veza/kit/kafka'
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openRaw } from './testing/raw-client.ts'
import { hooks, world, connect, follow, offsets, upTo, setUp } from './testing/sdk-clients.ts'

hooks()

/** The two builds of the SDK, with what their users give and get as data. */
const sdks = [
  {
    encoding: 'JSON',
    Sdk: Centrifuge,
    data: (value: object): unknown => value,
    parse: (data: unknown): unknown => data,
  },
  {
    encoding: 'Protobuf',
    Sdk: ProtobufCentrifuge as unknown as typeof Centrifuge,
    data: (value: object): unknown => new TextEncoder().encode(JSON.stringify(value)),
    parse: (data: unknown): unknown => JSON.parse(new TextDecoder().decode(data as Uint8Array)),
  },
]

describe.each(sdks)('the SDK in $encoding', ({ Sdk, data, parse }) => {
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
    const client = await connect(edge.url, userId, Sdk)
    const { sub, seen } = await follow(client, roomId)

    await sub.publish(data({ type: 'message.post', clientMessageId: 'm1', body: 'hello' }))

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
    expect(seen[0]?.offset).toBe(1)
    expect(parse(seen[0]?.data)).toMatchObject({
      type: 'message.posted',
      senderId: userId,
      clientMessageId: 'm1',
      body: 'hello',
      messageNumber: 1,
    })
    await consumer.stop()
  })

  it('recovers, reads history, and is told what was refused and why', async () => {
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId])
    const edge = await world.edge()
    const client = await connect(edge.url, userId, Sdk)
    const { sub, seen } = await follow(client, roomId)
    const told: unknown[] = []
    client.on('publication', ({ channel, data: refusal }) => told.push([channel, parse(refusal)]))

    await world.emit(world.chat.store(roomId, userId, 'm1'))
    await expect.poll(() => seen.length).toBe(1)
    client.disconnect()
    await world.emit(world.chat.store(roomId, userId, 'm2'), world.chat.store(roomId, userId, 'm3'))
    const context = new Promise((resolve) => sub.on('subscribed', resolve))
    client.connect()
    expect(await context).toMatchObject({ wasRecovering: true, recovered: true })
    await expect.poll(() => offsets(seen)).toEqual([1, 2, 3])

    const { publications, offset } = await sub.history({ limit: 2, reverse: true })
    expect(offset).toBe(3)
    expect(publications.map((publication) => [publication.offset, parse(publication.data)])).toMatchObject([
      [3, { clientMessageId: 'm3' }],
      [2, { clientMessageId: 'm2' }],
    ])
    await world.refuse(userId, roomId, 'm4', 'not-a-member')
    await expect
      .poll(() => told)
      .toEqual([
        [`user:${userId}`, { type: 'rejected', roomId, clientMessageId: 'm4', code: 'not-a-member' }],
      ])
    const problem = { code: 107, message: 'body-empty' }
    await expect(
      sub.publish(data({ type: 'message.post', clientMessageId: 'm', body: '' })),
    ).rejects.toMatchObject(problem)
    await expect(client.publish('nonsense', data({}))).rejects.toMatchObject({ code: 102 })
  })
})

describe('delivery', () => {
  it('is dense, in order and once, when the topic has gaps, repetitions and events out of order', async () => {
    const { seen, store } = await setUp()
    const events = store(60)
    const [a, b, c] = [events.slice(0, 20), events.slice(20, 40), events.slice(40)]
    await world.emit(...a, ...a, ...a.slice(5).reverse())
    // 21 to 30 never come by Kafka.
    await world.emit(...b.slice(10), ...a)
    await world.emit(...c.toReversed(), ...c)
    await expect.poll(() => seen.length).toBe(60)
    expect(offsets(seen)).toEqual(upTo(60))
  })

  it('tries for as long as it takes while chat is away', async () => {
    const { seen, store } = await setUp()
    const events = store(3)
    world.chat.failing = true
    await world.emit(...events.slice(1))
    const asked = world.chat.requests.length
    await expect.poll(() => world.chat.requests.length).toBeGreaterThan(asked)
    expect(seen).toEqual([])
    world.chat.failing = false
    await expect.poll(() => offsets(seen)).toEqual([1, 2, 3])
  })

  it('finds a last message that no later one shows to be missing', async () => {
    const { seen, store } = await setUp({ headsIntervalMs: 100 })
    store(2)
    await expect.poll(() => offsets(seen), { timeout: 5000 }).toEqual([1, 2])
  })

  it('goes on past an offset that chat has never stored', async () => {
    const { seen, store } = await setUp()
    const [first] = store(1)
    if (first === undefined) throw new Error('no event')
    await world.emit(first, { ...first, offset: 50 })
    await expect.poll(() => offsets(seen)).toEqual([1])
    await world.emit(...store(2))
    await expect.poll(() => offsets(seen)).toEqual([1, 2, 3])
  })

  it('is complete in spite of records that can not be read', async () => {
    const { seen, roomId, store } = await setUp()
    const events = store(3)
    const records = events.map((event) => world.record(event))
    const [unknownSchema, poison, fine] = records
    if (unknownSchema?.value == null || poison === undefined || fine === undefined)
      throw new Error('no records')
    const strange = Buffer.from(unknownSchema.value)
    strange.writeInt32BE(2_000_000_000, 1)
    await world.producer.sendAll([
      { ...unknownSchema, value: strange },
      { ...poison, value: Buffer.from('poison') },
      { ...fine, key: roomId, value: null },
    ])
    await expect.poll(() => offsets(seen)).toEqual([1, 2, 3])
  })

  it('tells every connection of a user, and nobody else, what was refused', async () => {
    const { userId, roomId, edge } = await setUp()
    const told: unknown[] = []
    for (const id of [userId, userId, randomUUID()]) {
      const client = await connect(edge.url, id)
      client.on('publication', ({ channel, data }) => told.push([channel, data]))
    }
    await world.refuse(userId, roomId, 'm1', 'not-a-member')
    const refusal = [
      `user:${userId}`,
      { type: 'rejected', roomId, clientMessageId: 'm1', code: 'not-a-member' },
    ]
    await expect.poll(() => told).toEqual([refusal, refusal])
  })

  it('joins the trace of what it delivers', async () => {
    const { seen, store } = await setUp()
    const [event] = store(1)
    if (event === undefined) throw new Error('no event')
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const { headers, ...record } = world.record(event)
    await world.producer.send({
      ...record,
      headers: { ...headers, traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    })
    await expect.poll(() => seen.length).toBe(1)
    const span = world.telemetry.spans().find(({ name }) => name === 'deliver')
    expect(span?.spanContext().traceId).toBe(traceId)
  })

  it('has no gap and no repetition at the moment of subscribing, under load', async () => {
    const { userId, roomId, edge, store } = await setUp()
    const raw = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const client = await openRaw(edge.url)
        await client.ask({ connect: { token: await world.token(userId) } })
        return client
      }),
    )
    const producing = new AbortController()
    const load = (async () => {
      while (!producing.signal.aborted) await world.emit(...store(20))
    })()
    // Again and again, each from where it stood: a position at the moment of subscribing is exact or it is not.
    const walk = async (client: (typeof raw)[number], rounds: number) => {
      const channel = `room:${roomId}`
      let at: { epoch: string; offset: number } | undefined
      for (let round = 0; round < rounds; round++) {
        const from = client.lines.length
        const since = at === undefined ? {} : { recover: true, ...at }
        const reply = (await client.ask({ subscribe: { channel, ...since } })) as {
          subscribe: {
            epoch: string
            offset: number
            recovered?: boolean
            publications?: { offset: number }[]
          }
        }
        await expect
          .poll(() => client.lines.slice(from).filter((line) => 'push' in line).length)
          .toBeGreaterThan(5)
        await client.ask({ unsubscribe: { channel } })
        const { epoch, offset, recovered, publications = [] } = reply.subscribe
        const first = client.lines.slice(from).findIndex((line) => 'push' in line || 'subscribe' in line)
        expect(client.lines[from + first]).toHaveProperty('subscribe')
        if (at !== undefined) expect(recovered).toBe(true)
        const live = client.lines
          .slice(from)
          .flatMap((line) => ('push' in line ? [line as { push: { pub: { offset: number } } }] : []))
          .map(({ push }) => push.pub.offset)
        const all = [...publications.map((publication) => publication.offset), ...live]
        expect(all).toEqual(upTo(all.length, offset + 1))
        at = { epoch, offset: offset + all.length }
      }
    }
    try {
      await Promise.all(raw.map((client) => walk(client, 8)))
    } finally {
      producing.abort()
      await load
      for (const client of raw) client.socket.close()
    }
  })
})

describe('the end', () => {
  it('of a room comes to its clients as an unknown channel', async () => {
    const { roomId, sub } = await setUp({ headsIntervalMs: 100, membership: { freshMs: 0 } })
    const gone = new Promise((resolve) => sub.on('unsubscribed', resolve))
    world.chat.rooms.delete(roomId)
    expect(await gone).toMatchObject({ code: 102 })
  })

  it('of an edge sends its clients elsewhere, and refuses new ones', async () => {
    const { client, edge } = await setUp({ drainWindowMs: 300 })
    const codes: number[] = []
    client.on('connecting', ({ code }) => codes.push(code))
    const closing = edge.close()
    await expect(openRaw(edge.url)).rejects.toThrow('503')
    await expect.poll(() => codes[0]).toBe(3001)
    client.disconnect()
    await closing
    await expect(openRaw(edge.url)).rejects.toThrow(/ECONNREFUSED|503/)
  })

  it('is told by its check and seen in its metrics', async () => {
    const { edge } = await setUp()
    expect(edge.check()).toBeUndefined()
    const text = await world.telemetry.metrics()
    expect(text).toMatch(/^ws_connections\S* \d+$/m)
    expect(text).toMatch(/^event_to_socket_seconds_count\S* \d+$/m)
    expect(text).toContain('ws_dropped_total')
    expect(text).toContain('ws_room_resets_total')
  })
})
