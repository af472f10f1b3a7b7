import { type Sealing } from '@veza/kit/sealing'
import { type Kysely, sql } from 'kysely'
import { markErased } from './erased-users.ts'
import { roomsEverIn } from './rooms-ever-in.ts'
import { type ChatDatabase } from './schema.ts'

/** Something of a person's that is still in a room. */
export interface Contribution {
  readonly roomId: string
  /** Of the event that brought it about. */
  readonly eventId: string
  readonly messageId: string
  /** null: the message itself. */
  readonly reaction: string | null
}

/** What chat forgets of a person beside what rooms are told. Every step can be repeated. */
export interface Erasure {
  /**
   * Lets them into no room any more, deletes the data key of their addresses, and resolves to the rooms that they are or
   * were in.
   */
  begin(userId: string, at: Date): Promise<readonly string[]>
  /** What is theirs in a stretch of a room: behind `after`, up to `until`. */
  contributions(roomId: string, userId: string, after: number, until: number): Promise<Contribution[]>
  /**
   * Deletes what is about them and in no room: invitations, bans, mentions, reports, when they were last seen, what they
   * were told and answered.
   */
  finish(userId: string): Promise<void>
}

export const erasure = (db: Kysely<ChatDatabase>, sealing: Sealing): Erasure => ({
  begin: (userId, at) =>
    db.transaction().execute(async (trx) => {
      await markErased(trx, userId, at)
      await sealing.erase(trx, userId)
      return roomsEverIn(trx, userId)
    }),

  async contributions(roomId, userId, after, until) {
    const { rows } = await sql<Contribution>`
      select room_id as "roomId", event_id as "eventId", coalesce(message_id, event_id) as "messageId", reaction
      from room_events as event
      where room_id = ${roomId} and "offset" > ${after} and "offset" <= ${until} and sender_id = ${userId} and (
        (type = 'posted' and deleted_at is null) or (type = 'reaction-added' and exists (
          select from reactions where reactions.message_id = event.message_id
            and reactions.user_id = event.sender_id and reactions.reaction = event.reaction
        ))
      )
      order by "offset"`.execute(db)
    return rows
  },

  finish: (userId) =>
    db.transaction().execute(async (trx) => {
      await sql`delete from invitations where user_id = ${userId}`.execute(trx)
      await sql`delete from bans where user_id = ${userId}`.execute(trx)
      await sql`delete from mentions where user_id = ${userId}`.execute(trx)
      await sql`delete from reports where reporter_id = ${userId}`.execute(trx)
      await sql`delete from user_events where user_id = ${userId}`.execute(trx)
      await sql`delete from last_seen where user_id = ${userId}`.execute(trx)
      await sql`delete from user_heads where user_id = ${userId}`.execute(trx)
      await sql`delete from http_answers where starts_with(key, ${`${userId} `})`.execute(trx)
    }),
})
