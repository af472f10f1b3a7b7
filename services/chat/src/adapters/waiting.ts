import { type RawBuilder, sql } from 'kysely'

// What waits for somebody is counted from what they have read and answered, wherever it is asked for.
// `userId`: an expression, a value or a column.

/** Direct rooms with messages that they have yet to read, as `members` and `room_heads`. */
export const unreadDirect = (userId: RawBuilder<unknown>) => sql`
  from members
  join rooms on rooms.id = members.room_id and rooms.visibility = 'direct'
  join room_heads on room_heads.room_id = members.room_id
  where members.user_id = ${userId} and last_message_number > members.read_number`

/** Mentions of them in what they have yet to read. */
export const unreadMentions = (userId: RawBuilder<unknown>) => sql`
  from members
  join mentions on mentions.user_id = members.user_id and mentions.room_id = members.room_id
    and mentions.message_number > members.read_number
  where members.user_id = ${userId}`

/** Three columns: mentions, directMessages, invitations. */
export const waitingCounts = (userId: RawBuilder<unknown>) => sql`
  (select count(*) ${unreadMentions(userId)}) as mentions,
  (select coalesce(sum(last_message_number - read_number), 0)::bigint ${unreadDirect(userId)}) as "directMessages",
  (select count(*) from invitations where invitations.user_id = ${userId}) as invitations`
