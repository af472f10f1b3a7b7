import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { type Outcome } from '../domain/event.ts'
import { type Command } from '../domain/message.ts'
import {
  command,
  database,
  dense,
  eventsOf,
  headOf,
  join,
  newRoom,
  offsets,
  post,
  hooks,
} from '../testing/room-log-under-test.ts'
import { roomLog } from './room-log.ts'

hooks()

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
