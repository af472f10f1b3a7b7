import { type Kysely, sql, type Transaction } from 'kysely'
import { type ChatDatabase } from './schema.ts'

const rowsOf = async (trx: Transaction<ChatDatabase>, statement: ReturnType<typeof sql>): Promise<number> =>
  Number((await statement.execute(trx)).numAffectedRows ?? 0)

/** What is kept of a room beside its events, and follows from them: the statements that make it so, in this order. */
const statements = (roomId: string) => [
  sql`
    update room_heads set last_offset = stands."offset", last_message_number = stands.number
    from (
      select coalesce(max("offset"), 0) as "offset", coalesce(max(message_number), 0) as number
      from room_events where room_id = ${roomId}
    ) as stands
    where room_id = ${roomId} and (last_offset, last_message_number) is distinct from (stands."offset", stands.number)`,
  sql`
    update room_events as message set reply_count = counted.replies
    from (
      select root."offset", (
        select count(*) from room_events as reply where reply.thread_id = root.event_id
      ) as replies
      from room_events as root where root.room_id = ${roomId} and root.type = 'posted'
    ) as counted
    where message.room_id = ${roomId} and message."offset" = counted."offset" and reply_count <> replies`,
  sql`
    delete from reaction_counts using room_events as message
    where message.event_id = reaction_counts.message_id and message.room_id = ${roomId} and not exists (
      select from reactions where reactions.message_id = reaction_counts.message_id
        and reactions.reaction = reaction_counts.reaction
    )`,
  sql`
    insert into reaction_counts (message_id, reaction, count)
    select reactions.message_id, reactions.reaction, count(*) from reactions
    join room_events as message on message.event_id = reactions.message_id and message.room_id = ${roomId}
    group by reactions.message_id, reactions.reaction
    on conflict (message_id, reaction) do update set count = excluded.count
    where reaction_counts.count <> excluded.count`,
  sql`
    delete from mentions where room_id = ${roomId} and not exists (
      select from room_events as message
      where message.event_id = mentions.message_id and message.message_number = mentions.message_number
        and deleted_at is null and mentions.user_id = any(coalesce(edited_mentions, message.mentions))
    )`,
  // As they are written: of whoever was in the room when the text came that mentions them.
  sql`
    insert into mentions (user_id, room_id, message_number, message_id)
    select members.user_id, members.room_id, message_number, event_id from room_events as message
    cross join lateral unnest(coalesce(edited_mentions, message.mentions)) as who
    join members on members.room_id = message.room_id and members.user_id = who
    where message.room_id = ${roomId} and type = 'posted' and deleted_at is null
      and coalesce(edited_at, posted_at) >= joined_at
    on conflict do nothing`,
  sql`
    update members set read_number = last_message_number from room_heads
    where members.room_id = ${roomId} and room_heads.room_id = members.room_id and read_number > last_message_number`,
]

/**
 * Makes right what is counted of a room: messages, replies, reactions, mentions, and with them all that is unread. Holds
 * the room's head meanwhile: commands of that room wait, or come before.
 *
 * @returns rows that were wrong
 */
export const rebuildCounts = (db: Kysely<ChatDatabase>, roomId: string): Promise<number> =>
  db.transaction().execute(async (trx) => {
    await sql`select from room_heads where room_id = ${roomId} for update`.execute(trx)
    let wrong = 0
    for (const statement of statements(roomId)) wrong += await rowsOf(trx, statement)
    return wrong
  })

/** Rooms, by id. */
export const roomIds = async (db: Kysely<ChatDatabase>, after: string, limit: number): Promise<string[]> => {
  const { rows } = await sql<{ id: string }>`
    select room_id as id from room_heads where room_id > ${after} order by room_id limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}
