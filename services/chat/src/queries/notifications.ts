import { type Kysely, sql } from 'kysely'
import { type ChatDatabase } from '../adapters/schema.ts'
import { unreadDirect, unreadMentions, waitingCounts } from '../adapters/waiting.ts'

/** What waits for somebody. Derived from what they have read and answered, so it can't be wrong, nor need rebuilding. */
export interface NotificationCounts {
  readonly mentions: number
  readonly directMessages: number
  readonly invitations: number
}

export interface NotificationView {
  readonly type: 'mention' | 'direct-messages' | 'invitation'
  /** Of what it stands for: the message, or the room. */
  readonly id: string
  readonly roomId: string
  readonly roomName: string
  /** Who mentioned, wrote last or invited. */
  readonly senderId: string
  readonly at: Date
  /** Of a mention. */
  readonly messageId: string | null
  /** Unread ones of a direct room; null for the others. */
  readonly messages: number | null
}

/** Where the page before ended (milliseconds since the Unix epoch, and the id). */
export interface NotificationPage {
  readonly after: { readonly at: number; readonly id: string } | undefined
  readonly limit: number
}

export const countNotifications =
  (db: Kysely<ChatDatabase>) =>
  async (userId: string): Promise<NotificationCounts> => {
    const { rows } = await sql<NotificationCounts>`select ${waitingCounts(sql`${userId}::uuid`)}`.execute(db)
    return rows[0] ?? { mentions: 0, directMessages: 0, invitations: 0 }
  }

/** The newest first. */
export const listNotifications =
  (db: Kysely<ChatDatabase>) =>
  async (userId: string, { after, limit }: NotificationPage): Promise<NotificationView[]> => {
    const { rows } = await sql<NotificationView>`
      with waiting as (
        select 'mention' as type, event_id as id, event.room_id, sender_id, posted_at as at,
          event_id as message_id, null::bigint as messages
        from (select message_id as mention_id ${unreadMentions(sql`${userId}`)}) as unread
        join room_events as event on event.event_id = mention_id
        union all
        select 'direct-messages', unread.room_id, unread.room_id, latest.sender_id, latest.posted_at, null, unread.count
        from (
          select members.room_id, last_offset, last_message_number - read_number as count ${unreadDirect(sql`${userId}`)}
        ) as unread
        cross join lateral (
          select sender_id, posted_at from room_events
          where room_events.room_id = unread.room_id and type = 'posted' order by "offset" desc limit 1
        ) as latest
        union all
        select 'invitation', invitations.room_id, invitations.room_id, invited_by, invited_at, null, null
        from invitations where user_id = ${userId}
      )
      select waiting.type, waiting.id, waiting.room_id as "roomId", rooms.name as "roomName",
        sender_id as "senderId", at, message_id as "messageId", messages
      from waiting join rooms on rooms.id = waiting.room_id
      where ${
        after === undefined
          ? sql`true`
          : sql`(date_trunc('milliseconds', at), waiting.id) < (${new Date(after.at)}, ${after.id}::uuid)`
      }
      order by date_trunc('milliseconds', at) desc, waiting.id desc limit ${limit}`.execute(db)
    return rows
  }
