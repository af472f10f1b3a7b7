import { randomUUID } from 'node:crypto'
import { migrateChat } from '@veza/chat/migrate'
import { type ChatDatabase } from '@veza/chat/store'
import { connectCodec, deadLetterTopic, notificationPublication, toHeaders, topics } from '@veza/contracts'
import { createHealth } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { freshDatabase, freshGroup, freshTopic, infrastructure, testTelemetry } from '@veza/kit/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type SourceTopic } from './happening.ts'
import { openNotifications } from './index.ts'

const waiting = { timeout: 40_000, interval: 50 }
const log = createLog('test', 'silent')

it('tells users of what concerns them, by name or in a direct room, once and in order, and passes over the rest', async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrateChat(fresh.url)
  const database = openDatabase<ChatDatabase>(fresh.url, { applicationName: 'test', poolSize: 1, log })
  onTestFinished(() => database.close())
  const name = freshGroup('notifications')
  const source = await freshTopic({ prefix: 'chat.events', partitions: 2 })
  onTestFinished(() => source.drop())
  const roomSource = await freshTopic({ prefix: 'rooms.events' })
  onTestFinished(() => roomSource.drop())
  const dead = await freshTopic({ prefix: deadLetterTopic(name).replace(/\.v1$/, '') })
  onTestFinished(() => dead.drop())
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())

  const [ana, ben, room, direct] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  for (const [id, visibility] of [
    [room, 'public'],
    [direct, 'direct'],
  ] as const) {
    await database.pool.query(`insert into rooms values ($1, 'r', $2, $3, now())`, [id, visibility, ana])
    await database.pool.query(
      `insert into room_heads (room_id, epoch, last_offset, last_message_number) values ($1, 'e', 2, 2)`,
      [id],
    )
    await database.pool.query(
      `insert into members (room_id, user_id, role, joined_at) select $1, unnest($2::uuid[]), 'member', now()`,
      [id, [ana, ben]],
    )
  }
  const mentioning = randomUUID()
  await database.pool.query('insert into mentions values ($1, $2, 1, $3)', [ben, room, mentioning])

  const producer = kafka.producer()
  onTestFinished(() => producer.close())
  const post = (roomId: string, messageId: string, mentions: string[]) =>
    producer.send({
      topic: source.name,
      key: roomId,
      value: codec.encode(topics.chatEvents, 'MessagePosted', {
        ...{ roomId, messageId, mentions, senderId: ana, clientMessageId: 'c', body: 'a secret', epoch: 'e' },
        ...{ offset: 1, messageNumber: 1, postedAt: 1_800_000_000_000, replyTo: null, threadId: null },
        trackId: null,
        trackPositionMs: null,
      }),
      headers: toHeaders({ id: messageId, type: 'MessagePosted', source: '/test', time: 0 }),
    })
  const records: { value: Buffer | null; key: string | null }[] = []
  const consumer = await kafka.consume({
    topics: [topics.notifications.name],
    from: 'end',
    onRecords: (batch) => void records.push(...batch),
    onJoin: () => undefined,
  })
  onTestFinished(() => consumer.stop())

  const fail = vi.fn()
  const common = { kafka, codec, health: createHealth(), telemetry, log, fail }
  const worker = openNotifications({ CHAT_DATABASE_URL: fresh.url, NOTIFICATIONS_KEPT: 86_400_000 }, common, {
    name,
    topics: [
      { ...topics.chatEvents, name: source.name },
      { ...topics.roomEvents, name: roomSource.name },
    ] as unknown as SourceTopic[],
  })
  onTestFinished(() => worker.stop())

  const letter = randomUUID()
  await post(room, randomUUID(), [])
  for (let time = 0; time < 3; time++) await post(room, mentioning, [ben])
  await post(direct, letter, [])
  // Whoever is forgotten is told nothing any more.
  for (const [userId, how] of [
    [ana, 'erased'],
    [ben, 'removed'],
  ] as const)
    await producer.send({
      topic: roomSource.name,
      key: room,
      value: codec.encode(topics.roomEvents, 'MemberLeft', {
        ...{ roomId: room, actorId: ana, userId, how, happenedAt: 1_800_000_000_000 },
      }),
      headers: toHeaders({ id: randomUUID(), type: 'MemberLeft', source: '/test', time: 0 }),
    })

  const toldTo = (userId: string) =>
    records
      .filter(({ key }) => key === userId)
      .flatMap(({ value }) => {
        const decoded = codec.decode(topics.notifications, value ?? Buffer.alloc(0))
        return 'value' in decoded && decoded.type === 'UserNotified' ? [decoded.value] : []
      })
  await vi.waitFor(async () => {
    const { rows } = await database.pool.query<{ user_id: string; type: string }>(
      'select user_id, type from user_events order by user_id, type',
    )
    expect(rows).toHaveLength(4)
    expect(new Set(toldTo(ben).map(({ offset }) => offset))).toEqual(new Set([1, 2, 3]))
  }, waiting)
  const byType = new Map(toldTo(ben).map((told) => [told.type, notificationPublication(told)]))
  expect(byType.get('mention')).toMatchObject({ roomId: room, messageId: mentioning, senderId: ana })
  expect(byType.get('direct-message')).toMatchObject({
    ...{ roomId: direct, messageId: letter, unread: { messages: 2, mentions: 0 } },
    counts: { directMessages: 2 },
  })
  expect(byType.get('room.left')).toMatchObject({ roomId: room, senderId: ana })
  expect(toldTo(ana).map(({ type }) => type)).toEqual(['direct-message'])
  for (const { value } of records) expect(value?.includes('secret')).toBe(false)
  expect(fail).not.toHaveBeenCalled()
})
