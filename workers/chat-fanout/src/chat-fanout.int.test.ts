import { randomUUID } from 'node:crypto'
import { type ChatDatabase, outcomeIdOf, roomLog } from '@veza/chat/store'
import { migrateChat } from '@veza/chat/migrate'
import {
  type ChatCommand,
  type Codec,
  commandRecord,
  connectCodec,
  deadLetterTopic,
  readHeader,
  toHeaders,
  topics,
} from '@veza/contracts'
import { registerSchemas } from '@veza/contracts/deploy'
import {
  connectKafka,
  type ConsumedRecord,
  type Kafka,
  type OutgoingRecord,
  type Producer,
} from '@veza/kit/kafka'
import { createHealth } from '@veza/kit/internal'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import {
  type FreshDatabase,
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  testTelemetry,
} from '@veza/kit/testing'
import { runWorker, type Worker } from '@veza/kit/worker'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { watchFaults } from './faults.ts'
import { sequence } from './sequence.ts'
import { tellSender } from './tell-sender.ts'

const log = createLog('test', 'silent')
const telemetry = testTelemetry()
const closers: (() => Promise<unknown>)[] = []

let fresh: FreshDatabase
let database: Database<ChatDatabase>
let kafka: Kafka
let codec: Codec

beforeAll(async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  await registerSchemas(schemaRegistryUrl)
  codec = await connectCodec(schemaRegistryUrl)
  fresh = await freshDatabase()
  await migrateChat(fresh.url)
  database = openDatabase<ChatDatabase>(fresh.url, {
    applicationName: 'test',
    poolSize: 6,
    pipeline: true,
    log,
  })
  kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
})

afterAll(async () => {
  await kafka.close()
  await database.close()
  await fresh.drop()
  await telemetry.close()
})

/** The worker's topics by their names in the catalogue, under names of this test's own. */
let names: Map<string, string>
let commands: string
let group: string
let tail: ConsumedRecord[]
let writer: Producer

beforeEach(async () => {
  group = freshGroup('chat-fanout')
  names = new Map()
  for (const name of [
    topics.chatCommands.name,
    topics.chatEvents.name,
    topics.notifications.name,
    deadLetterTopic(group),
  ]) {
    const topic = await freshTopic({ prefix: name.replace(/\.v1$/, ''), partitions: 2 })
    names.set(name, topic.name)
    closers.push(() => topic.drop())
  }
  commands = names.get(topics.chatCommands.name) ?? ''
  tail = []
  const reader = await kafka.consume({
    topics: [...names.values()].filter((name) => name !== commands),
    from: 'end',
    onRecords: (records) => void tail.push(...records),
  })
  writer = kafka.producer()
  closers.push(
    () => writer.close(),
    () => reader.stop(),
  )
})

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
})

const renamed = (record: OutgoingRecord) => ({ ...record, topic: names.get(record.topic) ?? record.topic })

/** A producer to this test's topics; `fail` may reject before anything is sent. */
const producerOf = (fail: () => Promise<void> = () => Promise.resolve()): Producer => {
  const inner = kafka.producer()
  closers.push(() => inner.close())
  return {
    healthy: true,
    send: (record) => inner.send(renamed(record)),
    async sendAll(records) {
      await fail()
      await inner.sendAll(records.map(renamed))
    },
    close: () => inner.close(),
  }
}

const start = (producer = producerOf(), store = roomLog(database)): Worker => {
  const handle = sequence({ log: store, codec, producer, meter: telemetry.meter })
  const chunks = watchFaults(handle)
  const worker = runWorker({
    name: group,
    kafka,
    codec,
    topics: [{ ...topics.chatCommands, name: commands }] as never as [typeof topics.chatCommands],
    handleChunk: chunks.handleChunk,
    deadLetter: producer,
    onDead: tellSender({ log: roomLog(database), codec, producer }),
    dependencies: () => Promise.resolve(chunks.fault()),
    health: createHealth(),
    telemetry,
    log,
    settings: { retryMinMs: 10, retryMaxMs: 50, attemptsBeforeBisect: 2 },
  })
  closers.push(() => worker.stop())
  return worker
}

const newRoom = async () => {
  const [roomId, ana] = [randomUUID(), randomUUID()]
  const at = new Date()
  await database.db
    .insertInto('room_heads')
    .values({ room_id: roomId, epoch: 'e1', last_offset: 0, last_message_number: 0 })
    .execute()
  await database.db
    .insertInto('rooms')
    .values({ id: roomId, name: 'room', visibility: 'public', owner_id: ana, created_at: at })
    .execute()
  await database.db
    .insertInto('members')
    .values({ room_id: roomId, user_id: ana, role: 'owner', joined_at: at })
    .execute()
  return { roomId, ana }
}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const command = (
  roomId: string,
  senderId: string,
  clientMessageId: string,
  body = 'hello',
): OutgoingRecord => ({
  topic: topics.chatCommands.name,
  key: roomId,
  value: codec.encode(topics.chatCommands, 'PostMessage', {
    roomId,
    senderId,
    clientMessageId,
    body,
    replyTo: null,
    mentions: [],
    trackId: null,
    trackPositionMs: null,
    sentAt: Date.now(),
  }),
  headers: toHeaders({
    id: randomUUID(),
    type: 'PostMessage',
    source: '/test',
    time: Date.now(),
    traceparent,
  }),
})

/** Any command, as an edge puts it on the topic. */
const commandOf = (roomId: string, senderId: string, fields: ChatCommand): OutgoingRecord => {
  const { type, value } = commandRecord(fields, { roomId, senderId, sentAt: Date.now() })
  return {
    topic: topics.chatCommands.name,
    key: roomId,
    value: codec.encode(topics.chatCommands, type, value),
    headers: toHeaders({ id: randomUUID(), type, source: '/test', time: value.sentAt }),
  }
}

const write = (records: readonly OutgoingRecord[]) => writer.sendAll(records.map(renamed))
const recordsOf = (topic: string) => tail.filter((record) => record.topic === names.get(topic))
const value = (record: ConsumedRecord) => record.value ?? Buffer.alloc(0)

const events = () =>
  recordsOf(topics.chatEvents.name).map((record) => {
    const decoded = codec.decode(topics.chatEvents, value(record))
    if ('unknownSchemaId' in decoded || decoded.type !== 'MessagePosted') throw new Error('no message')
    return { record, event: decoded.value }
  })

const refusals = () =>
  recordsOf(topics.notifications.name).map((record) => {
    const decoded = codec.decode(topics.notifications, value(record))
    if ('unknownSchemaId' in decoded) throw new Error('unknown schema')
    if (decoded.type !== 'CommandRefused') throw new Error('not a refusal')
    return { record, refusal: decoded.value }
  })

const numbers = (n: number) => Array.from({ length: n }, (_, index) => index + 1)
const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 })
const committed = async () => {
  expect(await kafka.admin.lag(group, [commands])).toBe(0)
}

it('gives acknowledged commands dense numbers, stores them and tells them in order', async () => {
  const rooms = [await newRoom(), await newRoom()]
  const worker = start()
  await worker.started
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

it('dead-letters poison as it was and goes on with its neighbours', async () => {
  const { roomId, ana } = await newRoom()
  start()
  const poison = Buffer.from('no record at all')
  await write([
    command(roomId, ana, '1'),
    { ...command(roomId, ana, '2'), value: poison },
    command('no-uuid', 'nobody', '3'),
    command(roomId, ana, '4'),
  ])
  await eventually(() => {
    expect(events().map(({ event }) => event.offset)).toEqual([1, 2])
    expect(recordsOf(deadLetterTopic(group))).toHaveLength(2)
  })
  const letters = recordsOf(deadLetterTopic(group))
  expect(letters.some((letter) => value(letter).equals(poison))).toBe(true)
  await eventually(committed)
})

it('tells the sender `internal` of a command that fails alone, and stores its neighbours', async () => {
  const { roomId, ana } = await newRoom()
  const store = roomLog(database)
  start(producerOf(), {
    settle: (commands) =>
      commands.some(({ content }) => 'body' in content && content.body === 'crash')
        ? Promise.reject(new TypeError('a bug that this body meets'))
        : store.settle(commands),
  })
  await write([command(roomId, ana, '1'), command(roomId, ana, '2', 'crash'), command(roomId, ana, '3')])
  await eventually(() => {
    expect(new Set(events().map(({ event }) => event.clientMessageId))).toEqual(new Set(['1', '3']))
    expect(refusals().map(({ refusal }) => [refusal.userId, refusal.clientMessageId, refusal.code])).toEqual([
      [ana, '2', 'internal'],
    ])
    expect(recordsOf(deadLetterTopic(group))).toHaveLength(1)
  })
})

it('stores `internal` as the outcome of what it gave up, so that a redrive can never post it', async () => {
  const { roomId, ana } = await newRoom()
  const store = roomLog(database)
  let isBroken = true
  start(producerOf(), {
    settle: (commands) =>
      isBroken && commands.some(({ content }) => 'body' in content && content.body === 'crash')
        ? Promise.reject(new TypeError('a bug that this body meets'))
        : store.settle(commands),
  })
  await write([command(roomId, ana, '1', 'crash')])
  await eventually(() => {
    expect(recordsOf(deadLetterTopic(group))).toHaveLength(1)
    expect(refusals()).toHaveLength(1)
  })
  isBroken = false
  const [letter] = recordsOf(deadLetterTopic(group))
  await write([{ ...command(roomId, ana, '1'), value: letter?.value ?? null }, command(roomId, ana, '2')])
  await eventually(() => {
    expect(events().map(({ event }) => event.clientMessageId)).toEqual(['2'])
    expect(refusals().map(({ refusal }) => refusal.code)).toEqual(['internal', 'internal'])
  })
  expect(new Set(refusals().map(({ record }) => value(record).toString('hex'))).size).toBe(1)
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

it('waits for a server that refuses everybody, and dead-letters nothing', async () => {
  const { roomId, ana } = await newRoom()
  const store = roomLog(database)
  const diskFull = Object.assign(new Error('could not extend file'), { code: '53100' })
  let attempts = 0
  start(producerOf(), {
    settle: (commands) => (attempts++ < 12 ? Promise.reject(diskFull) : store.settle(commands)),
  })
  await write([command(roomId, ana, '1'), command(roomId, ana, '2')])
  await eventually(() => {
    expect(new Set(events().map(({ event }) => event.offset))).toEqual(new Set([1, 2]))
  })
  expect(recordsOf(deadLetterTopic(group))).toEqual([])
  expect(refusals()).toEqual([])
})
