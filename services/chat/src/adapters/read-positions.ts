import { type Kysely, sql } from 'kysely'
import { type ChatDatabase } from './schema.ts'

/** How far a member has read. */
export interface ReadPosition {
  readonly readNumber: number
  readonly lastMessageNumber: number
  /** Those beyond the position. */
  readonly mentions: number
}

export interface ReadPositions {
  /**
   * Moves a member's position to a message number: forwards only, and not beyond the room's last message.
   * undefined: not a member.
   */
  mark(roomId: string, userId: string, messageNumber: number, at: Date): Promise<ReadPosition | undefined>
}

export const readPositions = (db: Kysely<ChatDatabase>): ReadPositions => ({
  async mark(roomId, userId, messageNumber, at) {
    const { rows } = await sql<ReadPosition>`
      with marked as (
        update members
        set read_number = greatest(read_number, least(${messageNumber}::bigint, last_message_number)),
          read_at = ${at}
        from room_heads
        where members.room_id = ${roomId} and members.user_id = ${userId}
          and room_heads.room_id = members.room_id
        returning read_number, last_message_number
      )
      select read_number as "readNumber", last_message_number as "lastMessageNumber", (
        select count(*) from mentions
        where room_id = ${roomId} and user_id = ${userId} and message_number > read_number
      ) as mentions
      from marked`.execute(db)
    return rows[0]
  },
})
