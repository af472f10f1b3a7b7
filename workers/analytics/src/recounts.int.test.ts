import { randomUUID } from 'node:crypto'
import { type RecordOf, topics } from '@veza/contracts'
import { freshGroup } from '@veza/kit/testing'
import { dailyDigests } from '@veza/streams/store'
import { sql } from 'kysely'
import { expect, it, onTestFinished, vi } from 'vitest'
import { nameListeners, replayAnalytics, type ReportArchive, type ReportMessage } from './index.ts'
import {
  audience,
  codec,
  counts,
  hooks,
  hour,
  kafka,
  log,
  recently,
  run,
  sendChat,
  sendReports,
  sources,
  waitMs,
} from './testing/analytics-under-test.ts'
import { countsIn, messageOf, sumsOf } from './testing/listening.ts'

hooks()

it('makes the same by a recount, beside what is counted, by day and by room; older days stay', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  const tracks = [randomUUID(), randomUUID()]
  const name = freshGroup('analytics')
  await run(settings, own, name)
  await sendReports(own[0].name, audience(60, tracks))
  const [room, sender] = [randomUUID(), randomUUID()]
  const posted = (offset: number): RecordOf<typeof topics.chatEvents> => ({
    type: 'MessagePosted',
    value: {
      ...{ roomId: room, epoch: 'e', offset, messageId: randomUUID(), senderId: sender },
      ...{ clientMessageId: String(offset), body: 'hello', postedAt: recently, messageNumber: offset },
      ...{ replyTo: null, threadId: null, mentions: [], trackId: null, trackPositionMs: null },
    },
  })
  // A chunk that the fan-out repeats.
  await sendChat(own[1].name, [posted(1), posted(2), posted(3), posted(2), posted(3), posted(4)])
  await vi.waitFor(
    async () => {
      const { rows } = await sql<{ n: number }>`
        select coalesce(sum(next_offset), 0)::int as n from analytics.projected_checkpoints`.execute(
        database.db,
      )
      expect(rows[0]?.n).toBe(audience(60, tracks).length + 6)
    },
    { timeout: waitMs },
  )
  const { rows: rooms } = await sql`
    select messages::int, reactions::int, people from analytics.room_days where room_id = ${room}`.execute(
    database.db,
  )
  expect(rooms).toEqual([{ messages: 4, reactions: 0, people: 1 }])

  // A day that the topics do not have any more, and a count that nothing tells of: a recount keeps the one, not the other.
  const longAgo = Math.floor(recently / (24 * hour)) - 40
  const lost = randomUUID()
  const before = await countsIn(database.db)
  await sql`
    insert into analytics.track_days (track_id, day, rule, sketch, listeners, plays)
    values (${lost}, ${longAgo}, 1, '\\x01', 0, 7), (${lost}, ${longAgo + 40}, 1, '\\x01', 0, 1000)`.execute(
    database.db,
  )
  const progress = await replayAnalytics(settings, { kafka, codec, log }, { name, sources: own })
  expect(progress.read).toBeGreaterThanOrEqual(progress.total)
  expect(await sumsOf(database.db, lost)).toMatchObject({ plays: 7 })
  await sql`delete from analytics.track_days where track_id = ${lost}`.execute(database.db)
  expect(await countsIn(database.db)).toEqual(before)

  // And goes on from there.
  await sendChat(own[1].name, [posted(5)])
  await vi.waitFor(
    async () => {
      const { rows } = await sql`
        select messages::int from analytics.room_days where room_id = ${room}`.execute(database.db)
      expect(rows).toEqual([{ messages: 5 }])
    },
    { timeout: waitMs },
  )
}, 120_000)

it('recounts the archive first, under the names that listeners have there, then what the topic has after it', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  const reports = audience(40, [randomUUID(), randomUUID(), randomUUID()])
  const half = Math.floor(reports.length / 2)
  await sendReports(own[0].name, reports.slice(0, half))
  const ends = await kafka.admin.endOffsets(own[0].name)
  const archived: ReportMessage[] = []
  const reader = await kafka.consume({
    ...{ groupId: freshGroup(), topics: [own[0].name], fromBeginning: true },
    onChunk: async (records) => {
      const messages = records.flatMap(({ value, partition, offset, timestamp }) => {
        const decoded = codec.decode(topics.listeningEvents, value ?? Buffer.alloc(0))
        return 'value' in decoded ? [messageOf(decoded.value, { partition, offset, timestamp })] : []
      })
      archived.push(...(await nameListeners(dailyDigests(database.db))(messages)))
    },
  })
  onTestFinished(() => reader.stop())
  await vi.waitFor(
    () => {
      expect(archived).toHaveLength(half)
    },
    { timeout: waitMs },
  )
  await reader.stop()
  expect(archived.map(({ value }) => value.listenerId)).not.toContain(reports[0]?.listenerId)
  await sendReports(own[0].name, reports.slice(half))

  const recount = (archive?: ReportArchive) =>
    replayAnalytics(settings, { kafka, codec, log, archive }, { sources: own })
  await recount()
  const ofTopic = await countsIn(database.db)
  let wasRead = 0
  const progress = await recount({
    ...{ firstWholeDay: Math.floor(recently / (24 * hour)) - 1, ends, total: archived.length },
    async *read() {
      await Promise.resolve()
      for (let at = 0; at < archived.length; at += 50) {
        const some = archived.slice(at, at + 50)
        wasRead += some.length
        yield some
      }
    },
  })
  expect([progress.total, wasRead]).toEqual([reports.length, archived.length])
  expect(await countsIn(database.db)).toEqual(ofTopic)
}, 90_000)

it('takes nothing over from counts of another layout', async () => {
  const { database, settings } = await counts()
  const own = await sources()
  await sql`
    insert into analytics.track_days (track_id, day, rule, sketch, listeners, plays)
    values (${randomUUID()}, 1, 1, '\\x01', 0, 7)`.execute(database.db)
  const recount = () => replayAnalytics(settings, { kafka, codec, log, from: recently }, { sources: own })
  await recount()
  expect((await countsIn(database.db))['track_days']).toHaveLength(1)
  await sql`update analytics.projected_model set version = 1`.execute(database.db)
  await recount()
  expect((await countsIn(database.db))['track_days']).toEqual([])
}, 90_000)
