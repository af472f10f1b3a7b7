import { randomUUID } from 'node:crypto'
import { uuidv7 } from '@veza/kit/ids'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { type FreshDatabase, freshDatabase, infrastructure } from '@veza/kit/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { outcomeIdOf } from '../domain/outcome-id.ts'
import { type ChatCommand, type Codec, connectCodec, topics } from '@veza/contracts'
import { registerSchemas } from '@veza/contracts/deploy'
import { eventStore } from '@veza/kit/events'
import { type Outcome } from '../domain/event.ts'
import { type Command } from '../domain/message.ts'
import { type RoomEvent } from '../domain/room.ts'
import { migrateChat } from '../migrate.ts'
import { roomLog } from './room-log.ts'
import { roomStore } from './rooms.ts'
import { type ChatDatabase } from './schema.ts'

let fresh: FreshDatabase
let database: Database<ChatDatabase>
let codec: Codec

beforeAll(async () => {
  const { schemaRegistryUrl } = infrastructure()
  await registerSchemas(schemaRegistryUrl)
  codec = await connectCodec(schemaRegistryUrl)
  fresh = await freshDatabase()
  await migrateChat(fresh.url)
  const log = createLog('test', 'silent')
  database = openDatabase<ChatDatabase>(fresh.url, {
    applicationName: 'test',
    poolSize: 10,
    pipeline: true,
    log,
  })
})

afterAll(async () => {
  await database.close()
  await fresh.drop()
})

const store = () => roomStore(database.db, eventStore({ topic: topics.roomEvents, codec }))
const join = async (roomId: string, userId: string): Promise<void> => {
  const act = { actorId: userId, at: new Date(), metadata: {} }
  await store().change(roomId, userId, act, () => [{ type: 'member-added', userId, role: 'member' }])
}

const newRoom = async (): Promise<{ roomId: string; ana: string }> => {
  const [id, ana] = [uuidv7(new Date()), randomUUID()]
  const room = { id, name: 'room', visibility: 'private', ownerId: ana, createdAt: new Date() } as const
  await store().create(room)
  return { roomId: id, ana }
}

type Fields<C = ChatCommand> = C extends ChatCommand ? Omit<C, 'clientMessageId'> : never

const command = (
  roomId: string,
  senderId: string,
  clientMessageId: string,
  fields: Fields | { code: 'invalid-client-message-id' | 'body-too-long' },
): Command => ({
  eventId: outcomeIdOf(roomId, senderId, clientMessageId),
  roomId,
  senderId,
  clientMessageId,
  content: 'code' in fields ? fields : { ...fields, clientMessageId },
})

const plain = {
  type: 'message.post',
  replyTo: null,
  mentions: [],
  trackId: null,
  trackPositionMs: null,
} as const

const post = (roomId: string, senderId: string, clientMessageId: string, body = 'hello'): Command =>
  command(roomId, senderId, clientMessageId, { ...plain, body })

const offsets = (outcomes: readonly Outcome[]) =>
  outcomes.map((o) => (o.type === 'refused' ? o.code : o.offset))
const dense = (n: number) => Array.from({ length: n }, (_, index) => index + 1)
const eventsOf = (roomId: string) =>
  database.db.selectFrom('room_events').selectAll().where('room_id', '=', roomId).orderBy('offset').execute()
const headOf = (roomId: string) =>
  database.db.selectFrom('room_heads').selectAll().where('room_id', '=', roomId).executeTakeFirstOrThrow()

describe('settle', () => {
  it('numbers a chunk of several rooms densely, stores it, and moves the heads', async () => {
    const [one, two] = [await newRoom(), await newRoom()]
    const posts = dense(20).flatMap((n) => [
      post(one.roomId, one.ana, `${n}`),
      post(two.roomId, two.ana, `${n}`, `"quoted", {braced} \\ ${n} 🎧\n`),
    ])
    const outcomes = await roomLog(database).settle(posts)
    expect(outcomes.map((outcome) => outcome.eventId)).toEqual(posts.map((p) => p.eventId))
    const rows = await eventsOf(two.roomId)
    expect(rows.map((row) => row.offset)).toEqual(dense(20))
    expect(rows.map((row) => row.body)).toEqual(dense(20).map((n) => `"quoted", {braced} \\ ${n} 🎧\n`))
    expect(await headOf(one.roomId)).toMatchObject({ last_offset: 20, last_message_number: 20 })
  })

  it('does nothing for an empty chunk', async () => {
    expect(await roomLog(database).settle([])).toEqual([])
  })

  it('gives a repeated command its stored outcome, body and time included', async () => {
    const { roomId, ana } = await newRoom()
    const first = await roomLog(database, () => new Date(1_700_000_000_123)).settle([
      post(roomId, ana, '1'),
      post(roomId, ana, '2'),
    ])
    const again = await roomLog(database).settle([
      post(roomId, ana, '3'),
      post(roomId, ana, '2', 'changed'),
      post(roomId, ana, '3'),
      post(roomId, ana, '1'),
    ])
    expect(offsets(again)).toEqual([3, 2, 3, 1])
    expect(again[3]).toEqual(first[0])
    expect(again[1]).toEqual(first[1])
    expect(await eventsOf(roomId)).toHaveLength(3)
  })

  it('stores refusals, also of commands whose clientMessageId no text column would take', async () => {
    const { roomId, ana } = await newRoom()
    const [ben, nowhere] = [randomUUID(), randomUUID()]
    const posts = [
      post(roomId, ben, '1'),
      post(nowhere, ben, '1'),
      command(roomId, ana, 'a\0b', { code: 'invalid-client-message-id' }),
      command(roomId, ana, '1', { code: 'body-too-long' }),
      post(roomId, ana, '2'),
    ]
    const outcomes = await roomLog(database).settle(posts)
    expect(offsets(outcomes)).toEqual([
      'not-a-member',
      'room-not-found',
      'invalid-client-message-id',
      'body-too-long',
      1,
    ])
    await join(roomId, ben)
    expect(await roomLog(database, () => new Date(0)).settle(posts)).toEqual(outcomes)
  })

  it('keeps numbering whole when two workers settle the same rooms at once', async () => {
    const rooms = [await newRoom(), await newRoom(), await newRoom()]
    const posts = dense(40).flatMap((n) => rooms.map(({ roomId, ana }) => post(roomId, ana, `${n}`)))
    const strangers = rooms.map(({ ana }) => post(randomUUID(), ana, 'lost'))
    const chunks = (order: readonly Command[], size: number) =>
      dense(Math.ceil(order.length / size)).map((n) => order.slice((n - 1) * size, n * size))
    const work = async (order: readonly Command[], size: number) => {
      const log = roomLog(database)
      const outcomes: Outcome[] = []
      for (const chunk of chunks(order, size)) outcomes.push(...(await log.settle(chunk)))
      return new Map(outcomes.map((outcome) => [outcome.eventId, outcome]))
    }
    const all = [...posts, ...strangers]
    const [a, b, c] = await Promise.all([work(all, 7), work(all, 11), work(all.toReversed(), 13)])
    for (const { roomId } of rooms) {
      expect((await eventsOf(roomId)).map((row) => row.offset)).toEqual(dense(40))
      expect((await headOf(roomId)).last_offset).toBe(40)
    }
    expect(b).toEqual(a)
    expect(new Map([...a].map(([id]) => [id, c.get(id)]))).toEqual(a)
  })

  it('gives the refusal that another worker stored while this one was about to', async () => {
    const refused = post(randomUUID(), randomUUID(), '1')
    const other = await database.pool.connect()
    await other.query('begin')
    await other.query(`insert into refusals values ($1, $2, $3, 'room-not-found', to_timestamp(1))`, [
      refused.eventId,
      refused.roomId,
      refused.senderId,
    ])
    const settled = roomLog(database).settle([refused])
    await vi.waitFor(async () => {
      const { rows } = await database.pool.query(
        `select 1 from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into refusals%'`,
      )
      expect(rows).toHaveLength(1)
    })
    await other.query('commit')
    other.release()
    expect(await settled).toEqual([
      expect.objectContaining({ type: 'refused', code: 'room-not-found', at: new Date(1_000) }),
    ])
  })

  it('stores nothing of a chunk that fails, and works on', async () => {
    const { roomId, ana } = await newRoom()
    const log = roomLog(database)
    await expect(log.settle([post(roomId, ana, '1'), post('no-uuid', ana, '1')])).rejects.toThrow('uuid')
    expect(await eventsOf(roomId)).toEqual([])
    expect(offsets(await log.settle([post(roomId, ana, '1')]))).toEqual([1])
  })

  it('rolls the events back when the refusals of their chunk cannot be stored', async () => {
    const { roomId, ana } = await newRoom()
    await database.pool.query(
      `create function fail() returns trigger language plpgsql as $$ begin raise 'full'; end $$`,
    )
    await database.pool.query('create trigger fail before insert on refusals execute function fail()')
    const chunk = [post(roomId, ana, '1'), post(roomId, randomUUID(), '1')]
    await expect(roomLog(database).settle(chunk)).rejects.toThrow('full')
    await database.pool.query('drop trigger fail on refusals')
    expect(await eventsOf(roomId)).toEqual([])
    expect(offsets(await roomLog(database).settle(chunk))).toEqual([1, 'not-a-member'])
  })
})

const addMember = async (roomId: string): Promise<string> => {
  const userId = randomUUID()
  await join(roomId, userId)
  return userId
}
const mentionsOf = (userId: string) =>
  database.db.selectFrom('mentions').selectAll().where('user_id', '=', userId).execute()
const countsOf = (messageId: string) =>
  database.db
    .selectFrom('reaction_counts')
    .select(['reaction', 'count'])
    .where('message_id', '=', messageId)
    .orderBy('reaction')
    .execute()

describe('what becomes of a message', () => {
  it('is stored in the room’s order, chunk by chunk or all in one, and told again alike', async () => {
    const run = async (size: number) => {
      const { roomId, ana } = await newRoom()
      const ben = await addMember(roomId)
      const [first, track] = [outcomeIdOf(roomId, ana, '1'), randomUUID()]
      const commands = [
        command(roomId, ana, '1', {
          ...plain,
          body: 'hello',
          mentions: [ben],
          trackId: track,
          trackPositionMs: 7,
        }),
        command(roomId, ben, '1', { ...plain, body: 'a reply', replyTo: first }),
        command(roomId, ben, '2', { ...plain, body: 'to it', replyTo: outcomeIdOf(roomId, ben, '1') }),
        command(roomId, ana, '2', { type: 'message.edit', messageId: first, body: 'ho', mentions: [] }),
        command(roomId, ben, '3', { type: 'reaction.add', messageId: first, reaction: '🎧' }),
        command(roomId, ana, '3', { type: 'reaction.add', messageId: first, reaction: '🎧' }),
        command(roomId, ben, '4', { type: 'reaction.add', messageId: first, reaction: '+1' }),
        command(roomId, ben, '5', { type: 'reaction.remove', messageId: first, reaction: '+1' }),
        command(roomId, ben, '6', { type: 'reaction.add', messageId: first, reaction: '🎧' }),
        post(roomId, ana, '4'),
      ]
      const log = roomLog(database, () => new Date(1_700_000_000_000))
      const outcomes: Outcome[] = []
      for (let from = 0; from < commands.length; from += size)
        outcomes.push(...(await log.settle(commands.slice(from, from + size))))
      expect(offsets(outcomes)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 'already-reacted', 9])
      expect(await log.settle(commands)).toEqual(outcomes)
      expect(outcomes[2]).toMatchObject({ replyTo: outcomeIdOf(roomId, ben, '1'), threadId: first })
      expect(outcomes[7]).toMatchObject({ type: 'reaction-removed', count: 0 })
      expect((await headOf(roomId)).last_message_number).toBe(4)
      const [row] = await eventsOf(roomId)
      expect(row).toMatchObject({
        body: 'hello',
        edited_body: 'ho',
        edited_mentions: [],
        reply_count: 2,
        track_id: track,
        track_position_ms: 7,
      })
      expect(await countsOf(first)).toEqual([{ reaction: '🎧', count: 2 }])
      expect(await mentionsOf(ben)).toEqual([])
    }
    await run(1)
    await run(3)
    await run(100)
  })

  it('counts mentions of members alone, as the newest text has them', async () => {
    const { roomId, ana } = await newRoom()
    const [ben, cleo, stranger] = [await addMember(roomId), await addMember(roomId), randomUUID()]
    const log = roomLog(database)
    const first = outcomeIdOf(roomId, ana, '1')
    await log.settle([command(roomId, ana, '1', { ...plain, body: 'hi', mentions: [ben, stranger] })])
    expect(await mentionsOf(ben)).toEqual([
      { user_id: ben, room_id: roomId, message_number: 1, message_id: first },
    ])
    expect(await mentionsOf(stranger)).toEqual([])
    await log.settle([
      command(roomId, ana, '2', { type: 'message.edit', messageId: first, body: 'ho', mentions: [cleo] }),
    ])
    expect([await mentionsOf(ben), (await mentionsOf(cleo)).length]).toEqual([[], 1])
    await log.settle([command(roomId, ana, '3', { type: 'message.delete', messageId: first })])
    expect(await mentionsOf(cleo)).toEqual([])
  })

  it.each([1, 100])('is gone with its deletion, in chunks of %i: text, edits, reactions', async (size) => {
    const { roomId, ana } = await newRoom()
    const log = roomLog(database)
    const first = outcomeIdOf(roomId, ana, '1')
    const about = { messageId: first }
    const commands = [
      command(roomId, ana, '1', { ...plain, body: 'a secret', trackId: randomUUID(), trackPositionMs: 7 }),
      command(roomId, ana, '2', { type: 'message.edit', ...about, body: 'another secret', mentions: [ana] }),
      command(roomId, ana, '3', { type: 'reaction.add', ...about, reaction: '🎧' }),
      command(roomId, ana, '4', { type: 'message.delete', ...about }),
      command(roomId, ana, '5', { type: 'message.edit', ...about, body: 'a third', mentions: [] }),
      command(roomId, ana, '6', { type: 'reaction.add', ...about, reaction: '+1' }),
    ]
    const outcomes: Outcome[] = []
    for (let from = 0; from < commands.length; from += size)
      outcomes.push(...(await log.settle(commands.slice(from, from + size))))
    expect(offsets(outcomes)).toEqual([1, 2, 3, 4, 'message-deleted', 'message-deleted'])
    const rows = await eventsOf(roomId)
    expect(JSON.stringify(rows)).not.toContain('secret')
    expect(rows[0]).toMatchObject({
      body: '',
      track_id: null,
      track_position_ms: null,
      edited_body: null,
      deleted_at: expect.any(Date) as Date,
    })
    expect(await countsOf(first)).toEqual([])
    expect(
      await database.db.selectFrom('reactions').selectAll().where('message_id', '=', first).execute(),
    ).toEqual([])
    // Told again it has the same place, and nothing of what it said.
    expect(
      (await log.settle(commands.slice(0, 2))).map((outcome) => 'body' in outcome && outcome.body),
    ).toEqual(['', ''])
  })
})

describe('what a room lets through', () => {
  const later = (ms: number) => new Date(1_700_000_000_000 + ms)
  const change = (roomId: string, userId: string, events: readonly RoomEvent[]) =>
    store().change(roomId, userId, { actorId: userId, at: later(0), metadata: {} }, () => events)
  const codesAt = async (ms: number, commands: readonly Command[]) =>
    offsets(await roomLog(database, () => later(ms)).settle(commands))

  it('is decided with what was committed before the chunk: archived, blocked words, muted, banned', async () => {
    const { roomId, ana } = await newRoom()
    const ben = await addMember(roomId)
    const log = roomLog(database, () => later(0))
    expect(offsets(await log.settle([post(roomId, ben, '1', 'Pay per CLICK')]))).toEqual([1])
    await change(roomId, ana, [{ type: 'words-blocked', words: ['pay per click', 'ass'] }])
    const texts = ['PAY PER CLICK!', 'a class', 'ａｓｓ', 'pay per clicks']
    const said = texts.map((text, index) => post(roomId, ben, `w${index}`, text))
    expect(offsets(await log.settle(said))).toEqual(['blocked-word', 2, 'blocked-word', 3])
    const messageId = outcomeIdOf(roomId, ben, '1')
    const edit = { type: 'message.edit', messageId, body: 'ass', mentions: [] } as const
    expect(offsets(await log.settle([command(roomId, ben, 'e', edit)]))).toEqual(['blocked-word'])

    await change(roomId, ana, [{ type: 'muted', userId: ben, until: later(1_000) }])
    expect(offsets(await log.settle([post(roomId, ben, 'm1')]))).toEqual(['muted'])
    expect(await codesAt(2_000, [post(roomId, ben, 'm2')])).toEqual([4])

    await change(roomId, ana, [{ type: 'settings-changed', archived: true, slowModeSeconds: 0 }])
    expect(offsets(await log.settle([post(roomId, ana, 'a1')]))).toEqual(['room-archived'])
    await change(roomId, ana, [{ type: 'settings-changed', archived: false, slowModeSeconds: 0 }])
    expect(offsets(await log.settle([post(roomId, ana, 'a2')]))).toEqual([5])

    const ban: RoomEvent[] = [
      { type: 'member-left', userId: ben, how: 'banned' },
      { type: 'banned', userId: ben },
    ]
    await change(roomId, ben, ban)
    expect(offsets(await log.settle([post(roomId, ben, 'b1'), post(roomId, randomUUID(), '1')]))).toEqual([
      'banned',
      'not-a-member',
    ])
  })

  it('in slow mode is one post a member and interval, within a chunk and between chunks; moderators are free', async () => {
    const { roomId, ana } = await newRoom()
    const ben = await addMember(roomId)
    await change(roomId, ana, [{ type: 'settings-changed', archived: false, slowModeSeconds: 10 }])
    const posts = (sender: string, ...names: string[]) => names.map((name) => post(roomId, sender, name))
    expect(await codesAt(0, [...posts(ben, '1', '2'), ...posts(ana, '1', '2')])).toEqual([
      1,
      'slow-mode',
      2,
      3,
    ])
    expect(await codesAt(9_999, posts(ben, '3'))).toEqual(['slow-mode'])
    expect(await codesAt(10_000, posts(ben, '4'))).toEqual([4])
    const react = { type: 'reaction.add', messageId: outcomeIdOf(roomId, ben, '1'), reaction: '+1' } as const
    expect(await codesAt(10_001, [command(roomId, ben, 'r', react)])).toEqual([5])
  })

  it('holds for every room where Veza says so, within five seconds', async () => {
    const { roomId, ana } = await newRoom()
    let ms = 0
    const log = roomLog(database, () => later(ms))
    const say = async (name: string) => offsets(await log.settle([post(roomId, ana, name, 'a unlikelyword')]))
    expect(await say('1')).toEqual([1])
    await store().blockWords({ actorId: ana, at: later(0), metadata: {} }, ['unlikelyword'])
    ms = 5_000
    expect(await say('2')).toEqual(['blocked-word'])
    await store().blockWords({ actorId: ana, at: later(0), metadata: {} }, [])
    ms = 10_000
    expect(await say('3')).toEqual([2])
  })
})

describe('the history of a room', () => {
  it('is read along the primary key, also before the first ANALYZE', async () => {
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
      `explain select * from room_events where room_id = $1 and "offset" < 100 order by "offset" desc limit 50`,
      [randomUUID()],
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain('Index Scan Backward using room_events_pkey')
    expect(plan).not.toContain('Sort')
  })
})
