import { type Kysely, sql } from 'kysely'
import { type SearchIndex } from '../adapters/search-index.ts'
import { type ChatDatabase } from '../adapters/schema.ts'
import { messageColumns, type MessageRow, type MessageView, withReactions } from './messages.ts'
import { type Memberships } from './membership.ts'

export interface SearchInput {
  readonly userId: string
  /** As people write it: words, "phrases", OR, -not. */
  readonly text: string
  /** One room that the person may read; undefined: all that they are in. */
  readonly roomId: string | undefined
  /** Where the page before ended: when its last message was posted (milliseconds since the Unix epoch), and its id. */
  readonly after: { readonly postedAt: number; readonly messageId: string } | undefined
  readonly limit: number
}

export interface SearchPage {
  readonly messages: readonly (MessageView & { readonly roomId: string })[]
  /** false: so much is new since the last search that older messages are found by searching again. */
  readonly complete: boolean
}

/** Of somebody who is in more, the youngest. */
const maxRooms = 500

const roomsOf = async (
  db: Kysely<ChatDatabase>,
  memberships: Pick<Memberships, 'readable'>,
  { roomId, userId }: SearchInput,
): Promise<readonly string[]> => {
  if (roomId !== undefined) {
    await memberships.readable(roomId, userId)
    return [roomId]
  }
  const rows = await db
    .selectFrom('members')
    .select('room_id')
    .where('user_id', '=', userId)
    .orderBy('room_id', 'desc')
    .limit(maxRooms)
    .execute()
  return rows.map((row) => row.room_id)
}

/** Messages that hold what is searched for, as they stand; the newest first. Throws Rejection `room-not-found`. */
export const searchMessages =
  (db: Kysely<ChatDatabase>, index: SearchIndex, memberships: Pick<Memberships, 'readable'>) =>
  async (input: SearchInput): Promise<SearchPage> => {
    const { userId, text, after, limit } = input
    const rooms = await roomsOf(db, memberships, input)
    if (rooms.length === 0) return { messages: [], complete: true }
    const complete = await index.catchUp(rooms)
    const { rows } = await sql<MessageRow & { roomId: string }>`
      with found as (
        select message_id from message_search
        where search @@ websearch_to_tsquery('simple', ${text}) and room_id = any(${rooms}::uuid[])
      )
      select room_id as "roomId", ${messageColumns}
      from room_events where event_id in (select message_id from found)
        and deleted_at is null and ${
          after === undefined
            ? sql`true`
            : sql`(date_trunc('milliseconds', posted_at), event_id) < (${new Date(after.postedAt)}, ${after.messageId}::uuid)`
        }
      order by date_trunc('milliseconds', posted_at) desc, event_id desc limit ${limit}`.execute(db)
    const messages = await withReactions(db, userId, rows)
    return {
      messages: messages.map((message, at) => ({ ...message, roomId: rows[at]?.roomId ?? '' })),
      complete,
    }
  }
