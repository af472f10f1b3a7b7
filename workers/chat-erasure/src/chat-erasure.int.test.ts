import { randomUUID } from 'node:crypto'
import { migrateChat } from '@veza/chat/migrate'
import { type ChatDatabase, outcomeIdOf, roomLog } from '@veza/chat/store'
import { connectCodec, deadLetterTopic, toHeaders, topics } from '@veza/contracts'
import { createHealth } from '@veza/kit/internal'
import { connectKafka, type OutgoingRecord } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import {
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  testKeyEncryption,
  testTelemetry,
} from '@veza/kit/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openChatErasure } from './index.ts'

const waiting = { timeout: 40_000, interval: 50 }
const log = createLog('test', 'silent')

it('forgets in chat whom users has forgotten, once told so or twice, and nobody else', async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrateChat(fresh.url)
  const database = openDatabase<ChatDatabase>(fresh.url, {
    ...{ applicationName: 'test', poolSize: 2, pipeline: true, log },
  })
  onTestFinished(() => database.close())
  const name = freshGroup('chat-erasure')
  const source = await freshTopic({ prefix: 'users.events', partitions: 2 })
  onTestFinished(() => source.drop())
  const dead = await freshTopic({ prefix: deadLetterTopic(name).replace(/\.v1$/, '') })
  onTestFinished(() => dead.drop())
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())

  const [ana, ben, room] = [randomUUID(), randomUUID(), randomUUID()]
  const insert = (text: string, values: unknown[]) => database.pool.query(text, values)
  await insert(`insert into rooms values ($1, 'r', 'public', $2, now())`, [room, ana])
  await insert(`insert into room_heads (room_id, epoch) values ($1, 'e')`, [room])
  await insert(
    `insert into members (room_id, user_id, role, joined_at)
    values ($1, $2, 'owner', now()), ($1, $3, 'member', now())`,
    [room, ana, ben],
  )
  const rooms = roomLog(database)
  for (const senderId of [ana, ben]) {
    const content = { type: 'message.post', clientMessageId: 'c', body: 'hello', replyTo: null } as const
    await rooms.settle([
      {
        ...{ eventId: outcomeIdOf(room, senderId, 'c'), roomId: room, senderId, clientMessageId: 'c' },
        content: { ...content, mentions: [], trackId: null, trackPositionMs: null },
      },
    ])
  }

  const asked: OutgoingRecord[] = []
  const own = kafka.producer()
  const fail = vi.fn()
  const common = { kafka, codec, health: createHealth(), telemetry, log, fail }
  const worker = openChatErasure({ ...testKeyEncryption(), CHAT_DATABASE_URL: fresh.url }, common, {
    ...{ name, topic: { ...topics.usersEvents, name: source.name } as typeof topics.usersEvents },
    producer: {
      sendAll: (records) => Promise.resolve(void asked.push(...records)),
      close: () => own.close(),
    },
  })
  onTestFinished(() => worker.stop())
  const producer = kafka.producer()
  onTestFinished(() => producer.close())
  const send = (userId: string, type: 'UserErased' | 'ErasureCancelled') =>
    producer.send({
      ...{ topic: source.name, key: userId },
      value:
        type === 'UserErased'
          ? codec.encode(topics.usersEvents, type, { userId, erasedAt: 0 })
          : codec.encode(topics.usersEvents, type, { userId, cancelledAt: 0 }),
      headers: toHeaders({ id: randomUUID(), type, source: '/users', time: 0 }),
    })
  const unknown = randomUUID()
  await send(ben, 'ErasureCancelled')
  for (const userId of [ana, ana, unknown]) await send(userId, 'UserErased')

  await vi.waitFor(async () => {
    const { rows } = await database.pool.query<{ subject: string }>(
      'select subject from sealing.data_keys where erased_at is not null',
    )
    expect(rows.map(({ subject }) => subject).sort()).toEqual([ana, unknown].sort())
    const owner = await database.pool.query('select owner_id from rooms')
    expect(owner.rows).toEqual([{ owner_id: ben }])
    expect(asked.length).toBeGreaterThan(0)
  }, waiting)
  for (const { topic, key, value } of asked) {
    expect([topic, key]).toEqual([topics.chatCommands.name, room])
    expect(codec.decode(topics.chatCommands, value as Buffer)).toMatchObject({
      ...{ type: 'EraseContribution' },
      value: { senderId: ana, messageId: outcomeIdOf(room, ana, 'c'), reaction: null },
    })
  }
  const events = await database.pool.query(
    'select type, actor, count(*)::int as n from events.events group by type, actor order by type',
  )
  expect(events.rows).toEqual([
    { type: 'MemberLeft', actor: name, n: 1 },
    { type: 'MemberRoleChanged', actor: name, n: 1 },
  ])
  expect(fail).not.toHaveBeenCalled()
})
