import { type Kysely, sql } from 'kysely'
import { type ChatDatabase } from './schema.ts'

/**
 * Every room that somebody was ever in, in the order of ids: by what happened to rooms, and, of before that was kept, by
 * who is in them now. Rooms into which they only let others may be among them.
 */
export const roomsEverIn = async (db: Kysely<ChatDatabase>, userId: string): Promise<string[]> => {
  // `offset 0`: the planner does not know how rare an id is, and would look for the type first.
  const { rows } = await sql<{ roomId: string }>`
    select room_id as "roomId" from members where user_id = ${userId}
    union
    select key::uuid from (
      select key, type from events.events where coalesce(names, events.ids_in(payload)) @> ${[userId]}::uuid[] offset 0
    ) as naming
    where type = 'MemberJoined'
    order by 1`.execute(db)
  return rows.map(({ roomId }) => roomId)
}
