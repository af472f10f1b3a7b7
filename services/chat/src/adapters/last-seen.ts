import { type Kysely, sql } from 'kysely'
import { holdUnerased } from './erased-users.ts'
import { type ChatDatabase } from './schema.ts'

/** When somebody was last connected. */
export interface Seen {
  readonly userId: string
  readonly at: Date
}

export interface LastSeen {
  /** Notes when people were seen. It goes forwards only, not beyond the present, and says nothing of who is erased. */
  note(seen: readonly Seen[]): Promise<void>
  /** Of those asked for, the members of the room whom an edge has noted. */
  inRoom(roomId: string, userIds: readonly string[]): Promise<Seen[]>
}

export const lastSeen = (db: Kysely<ChatDatabase>): LastSeen => ({
  note: (seen) =>
    db.transaction().execute(async (trx) => {
      const userIds = seen.map(({ userId }) => userId)
      await holdUnerased(trx, userIds)
      // In one order: two edges may note the same people.
      await sql`
        insert into last_seen (user_id, at)
        select user_id, least(max(at), now())
        from unnest(${userIds}::uuid[], ${seen.map(({ at }) => at.toISOString())}::timestamptz[]) as seen (user_id, at)
        where not exists (select from erased_users where erased_users.user_id = seen.user_id)
        group by user_id order by user_id
        on conflict (user_id) do update set at = excluded.at where last_seen.at < excluded.at`.execute(trx)
    }),

  async inRoom(roomId, userIds) {
    const { rows } = await sql<Seen>`
      select user_id as "userId", at from last_seen join members using (user_id)
      where room_id = ${roomId} and user_id = any(${userIds}::uuid[])`.execute(db)
    return rows
  },
})
