import { randomUUID } from 'node:crypto'
import { outcomeIdOf, roomLog } from '@veza/chat/store'
import { readHeader, topics } from '@veza/contracts'
import { expect, it, vi } from 'vitest'
import {
  codec,
  command,
  commandOf,
  committed,
  database,
  events,
  eventually,
  newRoom,
  numbers,
  producerOf,
  recordsOf,
  refusals,
  start,
  value,
  write,
  hooks,
} from './testing/fanout-under-test.ts'

hooks()

it('gives acknowledged commands dense numbers, stores them and tells them in order', async () => {
  const rooms = [await newRoom(), await newRoom()]
  start()
  await write(
    numbers(50).flatMap((n) => rooms.map(({ roomId, ana }) => command(roomId, ana, `${n}`, `message ${n}`))),
  )
  await eventually(() => {
    expect(events()).toHaveLength(100)
  })
  for (const { roomId, ana } of rooms) {
    const told = events().filter(({ event }) => event.roomId === roomId)
    expect(told.map(({ event }) => event.offset)).toEqual(numbers(50))
    expect(told.map(({ event }) => event.body)).toEqual(numbers(50).map((n) => `message ${n}`))
    const [first] = told
    expect(first?.record.key).toBe(roomId)
    expect(first?.event).toMatchObject({
      epoch: 'e1',
      messageNumber: 1,
      senderId: ana,
      messageId: outcomeIdOf(roomId, ana, '1'),
    })
    const header = (name: string) => readHeader(first?.record.headers ?? {}, name)
    expect(header('ce_id')).toBe(outcomeIdOf(roomId, ana, '1'))
    expect(header('ce_source')).toBe('/chat-fanout')
    expect(header('traceparent')).toContain('0af7651916cd43dd8448eb211c80319c')
  }
  await eventually(committed)
})

it('tells stored events again, byte for byte, when it died between commit and produce', async () => {
  const { roomId, ana } = await newRoom()
  let failures = 0
  const store = roomLog(database)
  const settle = vi.fn(store.settle.bind(store))
  start(
    producerOf(() => (failures++ < 2 ? Promise.reject(new Error('connection lost')) : Promise.resolve())),
    { settle },
  )
  await write(numbers(10).map((n) => command(roomId, ana, `${n}`)))
  await eventually(() => {
    expect(new Set(events().map(({ event }) => event.offset))).toEqual(new Set(numbers(10)))
  })
  expect(failures).toBeGreaterThan(2)
  const firstRun = (await settle.mock.results[0]?.value) as { type: string }[] | undefined
  const before = [...recordsOf(topics.chatEvents.name)]
  // The whole topic once more, as after a lost offset commit.
  await write(numbers(10).map((n) => command(roomId, ana, `${n}`, 'changed')))
  await eventually(() => {
    expect(events().length).toBeGreaterThanOrEqual(before.length + 10)
  })
  const bytes = new Map<string, string>()
  for (const { record, event } of events()) {
    const known = bytes.get(event.messageId) ?? value(record).toString('hex')
    expect(value(record).toString('hex')).toBe(known)
    expect(readHeader(record.headers, 'ce_id')).toBe(event.messageId)
    bytes.set(event.messageId, known)
  }
  expect(bytes.size).toBe(10)
  expect(firstRun?.map((outcome) => outcome.type)).toContain('posted')
  const { rows } = await database.pool.query<{ n: number }>(
    'select count(*)::int as n from room_events where room_id = $1',
    [roomId],
  )
  expect(rows).toEqual([{ n: 10 }])
})

it('refuses what the edge let through, tells the sender, and says the same again', async () => {
  const { roomId, ana } = await newRoom()
  const [ben, nowhere] = [randomUUID(), randomUUID()]
  start()
  const commands = [
    command(roomId, ben, 'stranger'),
    command(nowhere, ben, 'nowhere'),
    command(roomId, ana, 'long', 'x'.repeat(4_001)),
    command(roomId, ana, 'fine'),
  ]
  await write([...commands, ...commands])
  await eventually(() => {
    expect(refusals()).toHaveLength(6)
    expect(events()).toHaveLength(2)
  })
  const codes = new Map(refusals().map(({ refusal }) => [refusal.clientMessageId, refusal.code]))
  expect(Object.fromEntries(codes)).toEqual({
    stranger: 'not-a-member',
    nowhere: 'room-not-found',
    long: 'body-too-long',
  })
  for (const { record, refusal } of refusals()) {
    expect(record.key).toBe(refusal.userId)
    expect(readHeader(record.headers, 'ce_id')).toBe(
      outcomeIdOf(refusal.roomId, refusal.userId, refusal.clientMessageId),
    )
  }
  expect(new Set(refusals().map(({ record }) => value(record).toString('hex'))).size).toBe(3)
  expect(events().map(({ event }) => event.offset)).toEqual([1, 1])
})

it('sends everything about a message down its road, in the room’s order, and tells it again alike', async () => {
  const { roomId, ana } = await newRoom()
  start()
  const messageId = outcomeIdOf(roomId, ana, '1')
  const commands = [
    commandOf(roomId, ana, {
      type: 'message.post',
      clientMessageId: '1',
      body: 'hello',
      replyTo: null,
      mentions: [ana],
      trackId: randomUUID(),
      trackPositionMs: 83_500,
    }),
    commandOf(roomId, ana, { type: 'reaction.add', clientMessageId: '2', messageId, reaction: '🎧' }),
    commandOf(roomId, ana, {
      type: 'message.edit',
      clientMessageId: '3',
      messageId,
      body: 'ho',
      mentions: [],
    }),
    commandOf(roomId, ana, { type: 'reaction.remove', clientMessageId: '4', messageId, reaction: '🎧' }),
    commandOf(roomId, randomUUID(), { type: 'message.delete', clientMessageId: '5', messageId }),
    commandOf(roomId, ana, {
      type: 'message.edit',
      clientMessageId: '6',
      messageId: randomUUID(),
      body: 'x',
      mentions: [],
    }),
  ]
  await write(commands)
  const told = () => recordsOf(topics.chatEvents.name)
  await eventually(() => {
    expect(told()).toHaveLength(4)
    expect(
      refusals()
        .map(({ refusal }) => refusal.code)
        .sort(),
    ).toEqual(['message-not-found', 'not-a-member'])
  })
  const decoded = told().map((record) => codec.decode(topics.chatEvents, value(record)))
  expect(decoded).toMatchObject([
    { type: 'MessagePosted', value: { offset: 1, messageId, messageNumber: 1, mentions: [ana] } },
    { type: 'ReactionAdded', value: { offset: 2, messageId, reaction: '🎧', count: 1 } },
    { type: 'MessageEdited', value: { offset: 3, messageId, body: 'ho' } },
    { type: 'ReactionRemoved', value: { offset: 4, messageId, reaction: '🎧', count: 0 } },
  ])
  expect(told().map(({ headers }) => readHeader(headers, 'ce_id'))).toEqual(
    ['1', '2', '3', '4'].map((name) => outcomeIdOf(roomId, ana, name)),
  )
  const bytes = told().map((record) => value(record).toString('hex'))
  await write(commands)
  await eventually(() => {
    expect(told()).toHaveLength(8)
  })
  expect(
    told()
      .slice(4)
      .map((record) => value(record).toString('hex')),
  ).toEqual(bytes)
})
