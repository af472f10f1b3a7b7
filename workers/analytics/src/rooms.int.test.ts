import { randomUUID } from 'node:crypto'
import { type RecordOf, topics } from '@veza/contracts'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { createModel } from '@veza/kit/projection'
import { type FreshDatabase, freshDatabase } from '@veza/kit/testing'
import { type Message } from '@veza/kit/worker'
import { migrateStreams } from '@veza/streams/migrate'
import { type AnalyticsDatabase, analyticsModel, dailyDigests, type DailyDigests } from '@veza/streams/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { applyChat } from './apply-chat.ts'
import { fixSalts, idOf } from './testing/listening.ts'

type ChatEvent = RecordOf<typeof topics.chatEvents>

const hour = 3_600_000
const noon = Date.parse('2026-11-24T12:00:00Z')
const day = Math.floor(noon / (24 * hour))
const [ana, ben] = [idOf('user', 1), idOf('user', 2)]
const [one, other] = [idOf('room', 1), idOf('room', 2)]

let fresh: FreshDatabase
let database: Database<AnalyticsDatabase>
let salts: DailyDigests
let models = 0

beforeAll(async () => {
  fresh = await freshDatabase()
  await migrateStreams(fresh.url)
  database = openDatabase(fresh.url, {
    applicationName: 'test',
    poolSize: 3,
    log: createLog('test', 'silent'),
  })
  await fixSalts(database.db, [day, day + 1])
  salts = dailyDigests(database.db)
})
afterAll(async () => {
  await database.close()
  await fresh.drop()
})

/** Counts of one test's own, and what takes chunks into them. */
const freshRooms = async () => {
  const schema = `rooms_${++models}`
  await createModel(database.db, analyticsModel, schema)
  const apply = applyChat({ salts })
  return {
    take: (events: readonly ChatEvent[], since = 0) =>
      database.db.transaction().execute((trx) => apply(trx, schema, events.map(messageOf), since)),
    days: async () => {
      const { rows } = await sql<Record<string, unknown>>`
        select room_id as room, day - ${day} as day, messages::int, reactions::int, people
        from ${sql.id(schema, 'room_days')} order by room_id, day`.execute(database.db)
      return rows
    },
    hours: async () => {
      const { rows } = await sql<Record<string, unknown>>`
        select room_id as room, hour - ${noon / hour} as hour, messages::int, reactions::int
        from ${sql.id(schema, 'room_hours')} order by room_id, hour`.execute(database.db)
      return rows
    },
  }
}

const messageOf = (event: ChatEvent): Message<typeof topics.chatEvents> => ({
  ...event,
  id: randomUUID(),
  traceparent: undefined,
  record: {
    ...{ topic: topics.chatEvents.name, partition: 0, offset: 0, timestamp: noon },
    ...{ key: event.value.roomId, value: null, headers: {} },
  },
})

const of = (offset: number, { room = one, sender = ana, epoch = 'first' } = {}) => ({
  ...{ roomId: room, epoch, offset, messageId: randomUUID(), senderId: sender },
  clientMessageId: String(offset),
})
type Place = Parameters<typeof of>[1] & { at?: number }

const posted = (offset: number, { at = noon, ...place }: Place = {}): ChatEvent => ({
  type: 'MessagePosted',
  value: {
    ...of(offset, place),
    ...{ body: 'hello', postedAt: at, messageNumber: offset, replyTo: null, threadId: null },
    ...{ mentions: [], trackId: null, trackPositionMs: null },
  },
})
const reacted = (offset: number, { at = noon, ...place }: Place = {}): ChatEvent => ({
  type: 'ReactionAdded',
  value: { ...of(offset, place), eventId: randomUUID(), reaction: '+', count: 1, reactedAt: at },
})
const deleted = (offset: number): ChatEvent => ({
  type: 'MessageDeleted',
  value: { ...of(offset), eventId: randomUUID(), deletedAt: noon },
})

it('counts messages, reactions and people of each room, by its hours and days', async () => {
  const { take, days, hours } = await freshRooms()
  await take([
    posted(1, { room: other }),
    posted(1),
    posted(2, { at: noon + 24 * hour }),
    posted(3, { at: noon + hour }),
    reacted(4, { sender: ben }),
    reacted(2, { room: other, sender: ben }),
    deleted(5),
  ])
  expect(await hours()).toEqual([
    { room: one, hour: 0, messages: 1, reactions: 1 },
    { room: one, hour: 1, messages: 1, reactions: 0 },
    { room: one, hour: 24, messages: 1, reactions: 0 },
    { room: other, hour: 0, messages: 1, reactions: 1 },
  ])
  expect(await days()).toEqual([
    { room: one, day: 0, messages: 2, reactions: 1, people: 2 },
    { room: one, day: 1, messages: 1, reactions: 0, people: 1 },
    { room: other, day: 0, messages: 1, reactions: 1, people: 2 },
  ])
})

it('counts whoever goes on talking once, and each of their messages', async () => {
  const { take, days } = await freshRooms()
  await take([posted(1)])
  await take([posted(2), reacted(3)])
  // Of one room there is somebody new, of the other nobody.
  await take([posted(4, { sender: ben }), posted(1, { room: other })])
  await take([posted(5, { sender: ben }), posted(2, { room: other, sender: ben })])
  expect(await days()).toEqual([
    { room: one, day: 0, messages: 4, reactions: 1, people: 2 },
    { room: other, day: 0, messages: 2, reactions: 0, people: 2 },
  ])
})

it('counts an event once that comes again, in whichever chunk; a new epoch begins anew', async () => {
  const { take, days } = await freshRooms()
  await take([posted(1), posted(2), posted(1)])
  await take([posted(1), posted(2), posted(3), deleted(4)])
  await take([deleted(4)])
  expect(await days()).toMatchObject([{ messages: 3 }])
  await take([posted(1, { epoch: 'second' }), posted(3)])
  expect(await days()).toMatchObject([{ messages: 4 }])
})

it('leaves out what happened before the hour that it is to begin with', async () => {
  const { take, days } = await freshRooms()
  await take([posted(1), posted(2, { at: noon + hour })], noon / hour + 1)
  await take([], 0)
  expect(await days()).toMatchObject([{ messages: 1 }])
})
