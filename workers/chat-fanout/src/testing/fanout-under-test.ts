import { randomUUID } from 'node:crypto'
import { type ChatDatabase, type RoomLog } from '@veza/chat/store'
import { migrateChat } from '@veza/chat/migrate'
import {
  type ChatCommand,
  type Codec,
  commandRecord,
  connectCodec,
  deadLetterTopic,
  toHeaders,
  topics,
} from '@veza/contracts'
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
  type TestTelemetry,
  testTelemetry,
} from '@veza/kit/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest'
import { openChatFanout } from '../open-chat-fanout.ts'

/** chat-fanout on real parts, with topics and a group of each test's own. */

const log = createLog('test', 'silent')
const closers: (() => Promise<unknown>)[] = []

let fresh: FreshDatabase
let telemetry: TestTelemetry
export let database: Database<ChatDatabase>
export let kafka: Kafka
export let codec: Codec

/** The worker's topics by their names in the catalogue, under names of this test's own. */
let names: Map<string, string>
let commands: string
export let group: string
let tail: ConsumedRecord[]
let writer: Producer

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
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
    telemetry = testTelemetry()
  })

  afterAll(async () => {
    await kafka.close()
    await database.close()
    await fresh.drop()
    await telemetry.close()
  })

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
    expect(fail).not.toHaveBeenCalled()
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
  })
}

const renamed = (record: OutgoingRecord) => ({ ...record, topic: names.get(record.topic) ?? record.topic })

/** A producer to this test's topics; `fail` may reject before anything is sent. */
export const producerOf = (fail: () => Promise<void> = () => Promise.resolve()): Producer => {
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

const fail = vi.fn()

export const start = (producer = producerOf(), settling?: RoomLog): void => {
  const worker = openChatFanout(
    { CHAT_DATABASE_URL: fresh.url, CHAT_FANOUT_CHUNK: 1_000, INTERNAL_PORT: 0 },
    { kafka, codec, health: createHealth(), telemetry, log, fail, instance: randomUUID() },
    {
      name: group,
      topic: { ...topics.chatCommands, name: commands } as never,
      producer,
      deadLetter: producerOf(),
      ...(settling !== undefined && { log: settling }),
      settings: { retryMinMs: 10, retryMaxMs: 50, attemptsBeforeBisect: 2 },
    },
  )
  closers.push(() => worker.stop())
}

export const newRoom = async () => {
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

export const command = (
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
export const commandOf = (roomId: string, senderId: string, fields: ChatCommand): OutgoingRecord => {
  const { type, value } = commandRecord(fields, { roomId, senderId, sentAt: Date.now() })
  return {
    topic: topics.chatCommands.name,
    key: roomId,
    value: codec.encode(topics.chatCommands, type, value),
    headers: toHeaders({ id: randomUUID(), type, source: '/test', time: value.sentAt }),
  }
}

/** What forgets a message, as chat-erasure puts it on the topic. */
export const erasure = (roomId: string, senderId: string, messageId: string): OutgoingRecord => {
  const [clientMessageId, sentAt] = [randomUUID(), Date.now()]
  const value = { roomId, senderId, clientMessageId, messageId, reaction: null, sentAt }
  return {
    topic: topics.chatCommands.name,
    key: roomId,
    value: codec.encode(topics.chatCommands, 'EraseContribution', value),
    headers: toHeaders({ id: randomUUID(), type: 'EraseContribution', source: '/test', time: sentAt }),
  }
}

export const write = (records: readonly OutgoingRecord[]) => writer.sendAll(records.map(renamed))
export const recordsOf = (topic: string) => tail.filter((record) => record.topic === names.get(topic))
export const value = (record: ConsumedRecord) => record.value ?? Buffer.alloc(0)

export const events = () =>
  recordsOf(topics.chatEvents.name).map((record) => {
    const decoded = codec.decode(topics.chatEvents, value(record))
    if ('unknownSchemaId' in decoded || decoded.type !== 'MessagePosted') throw new Error('no message')
    return { record, event: decoded.value }
  })

export const refusals = () =>
  recordsOf(topics.notifications.name).map((record) => {
    const decoded = codec.decode(topics.notifications, value(record))
    if ('unknownSchemaId' in decoded) throw new Error('unknown schema')
    if (decoded.type !== 'CommandRefused') throw new Error('not a refusal')
    return { record, refusal: decoded.value }
  })

export const numbers = (n: number) => Array.from({ length: n }, (_, index) => index + 1)
export const eventually = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 20_000, interval: 50 })
export const committed = async () => {
  expect(await kafka.admin.lag(group, [commands])).toBe(0)
}
