import { type Kysely, sql, type Transaction } from 'kysely'
import { type ChatDatabase } from './schema.ts'
import { appendNotices, type StoredNotice } from './user-log.ts'

/** How far a member has read. */
export interface ReadPosition {
  readonly readNumber: number
  readonly lastMessageNumber: number
  /** Those beyond the position. */
  readonly mentions: number
}

export interface Marked extends ReadPosition {
  /** What the member's other devices are to be told; undefined when the position was there already. */
  readonly notice: StoredNotice | undefined
}

export interface ReadPositions {
  /**
   * Moves a member's position to a message number: forwards only, and not beyond the room's last message.
   * undefined: not a member.
   *
   * @param sourceId of this mark, unique
   */
  mark(
    roomId: string,
    userId: string,
    messageNumber: number,
    { at, sourceId }: { at: Date; sourceId: string },
  ): Promise<Marked | undefined>
}

const move = async (
  trx: Transaction<ChatDatabase>,
  { roomId, userId, messageNumber, at }: { roomId: string; userId: string; messageNumber: number; at: Date },
) => {
  const { rows } = await sql<ReadPosition & { moved: boolean }>`
    with before as materialized (
      select read_number, last_message_number
      from members join room_heads on room_heads.room_id = members.room_id
      where members.room_id = ${roomId} and user_id = ${userId} for update of members
    ), marked as (
      update members
      set read_number = greatest(before.read_number, least(${messageNumber}::bigint, last_message_number)),
        read_at = ${at}
      from before
      where members.room_id = ${roomId} and members.user_id = ${userId}
      returning members.read_number
    )
    select marked.read_number as "readNumber", last_message_number as "lastMessageNumber",
      marked.read_number > before.read_number as moved, (
        select count(*) from mentions
        where room_id = ${roomId} and user_id = ${userId} and message_number > marked.read_number
      ) as mentions
    from before, marked`.execute(trx)
  return rows[0]
}

export const readPositions = (db: Kysely<ChatDatabase>): ReadPositions => ({
  mark: (roomId, userId, messageNumber, { at, sourceId }) =>
    db.transaction().execute(async (trx) => {
      const marked = await move(trx, { roomId, userId, messageNumber, at })
      if (marked === undefined) return undefined
      const { moved, ...position } = marked
      if (!moved) return { ...position, notice: undefined }
      const [notice] = await appendNotices(trx, [
        {
          ...{ userId, sourceId, roomId, at },
          type: 'read',
          roomOffset: null,
          messageId: null,
          messageNumber: position.readNumber,
          senderId: userId,
        },
      ])
      return { ...position, notice }
    }),
})
