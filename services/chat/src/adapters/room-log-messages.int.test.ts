import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Outcome } from '../domain/event.ts'
import { outcomeIdOf } from '../domain/outcome-id.ts'
import {
  addMember,
  command,
  database,
  eventsOf,
  headOf,
  newRoom,
  offsets,
  plain,
  post,
  hooks,
} from '../testing/room-log-under-test.ts'
import { roomLog } from './room-log.ts'

hooks()

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
