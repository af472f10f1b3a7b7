import { type Kysely, sql } from 'kysely'
import { type ChatDatabase } from '../adapters/schema.ts'
import { type Role } from '../domain/room.ts'

export interface Pair {
  readonly roomId: string
  readonly userId: string
}

export interface Access extends Pair {
  /** For them: a private room exists for its members alone. */
  readonly exists: boolean
  /** null = not a member. */
  readonly role: Role | null
  readonly epoch: string | null
  /** Of the room's last event, 0 = none yet; null = no such room. */
  readonly offset: number | null
}

export interface Head {
  readonly roomId: string
  readonly epoch: string
  readonly offset: number
}

/** Who is what where, in the order of the pairs. */
export const readAccess =
  (db: Kysely<ChatDatabase>) =>
  async (pairs: readonly Pair[]): Promise<Access[]> => {
    const { rows } = await sql<{ role: Role | null; epoch: string | null; offset: number | null }>`
      select members.role, room_heads.epoch, room_heads.last_offset as "offset"
      from unnest(${pairs.map((pair) => pair.roomId)}::uuid[], ${pairs.map((pair) => pair.userId)}::uuid[])
        with ordinality as pair (room_id, user_id, nth)
      left join members on members.room_id = pair.room_id and members.user_id = pair.user_id
      left join rooms on rooms.id = pair.room_id and (visibility = 'public' or members.role is not null)
      left join room_heads on room_heads.room_id = rooms.id
      order by pair.nth`.execute(db)
    return pairs.flatMap((pair, index) => {
      const row = rows[index]
      return row === undefined ? [] : [{ ...pair, exists: row.epoch !== null, ...row }]
    })
  }

/** How far each room has come; unknown rooms are left out. */
export const readHeads =
  (db: Kysely<ChatDatabase>) =>
  async (roomIds: readonly string[]): Promise<Head[]> => {
    const { rows } = await sql<Head>`
      select room_id as "roomId", epoch, last_offset as "offset" from room_heads
      where room_id = any(${roomIds}::uuid[])`.execute(db)
    return rows
  }
