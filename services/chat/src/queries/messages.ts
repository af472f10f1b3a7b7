import { type Database } from '@veza/kit/postgres'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type ChatDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Memberships } from './membership.ts'

export interface ReactionView {
  readonly reaction: string
  readonly count: number
  /** Whether the reader is among them. */
  readonly mine: boolean
}

/** A message as it stands now, after whatever edits it had. */
export interface MessageView {
  readonly offset: number
  readonly messageId: string
  readonly messageNumber: number
  readonly senderId: string
  readonly clientMessageId: string
  /** Empty when it is deleted. */
  readonly body: string
  readonly postedAt: Date
  readonly replyTo: string | null
  readonly threadId: string | null
  readonly mentions: readonly string[]
  readonly trackId: string | null
  /** Milliseconds. */
  readonly trackPositionMs: number | null
  readonly editedAt: Date | null
  readonly deletedAt: Date | null
  /** Replies in the thread that it began, those that were deleted since among them. */
  readonly replies: number
  readonly reactions: readonly ReactionView[]
}

/** The newest first. `epoch` and `offset` are where the room stood when the page was read, or a moment earlier. */
export interface MessagePage {
  readonly epoch: string
  readonly offset: number
  readonly messages: readonly MessageView[]
  readonly hasOlder: boolean
  readonly hasNewer: boolean
}

/**
 * Where a page lies: `older` messages before the place `at` (an offset), and `newer` from it on.
 */
export interface Window {
  readonly at: number
  readonly older: number
  readonly newer: number
}

export const newest = (limit: number): Window => ({ at: Number.MAX_SAFE_INTEGER, older: limit, newer: 0 })
export const before = (offset: number, limit: number): Window => ({ at: offset, older: limit, newer: 0 })
export const after = (offset: number, limit: number): Window => ({ at: offset + 1, older: 0, newer: limit })
export const around = (offset: number, limit: number): Window => ({
  at: offset,
  older: Math.floor(limit / 2),
  newer: Math.ceil(limit / 2),
})

export type MessageRow = Omit<MessageView, 'reactions'>

export const messageColumns = sql`
  "offset", event_id as "messageId", message_number as "messageNumber", sender_id as "senderId",
  client_message_id as "clientMessageId", coalesce(edited_body, body) as body, posted_at as "postedAt",
  reply_to as "replyTo", thread_id as "threadId",
  coalesce(edited_mentions, mentions, '{}') as mentions, track_id as "trackId",
  track_position_ms as "trackPositionMs",
  edited_at as "editedAt", deleted_at as "deletedAt", reply_count as replies`

/** Puts the reactions to the messages, as one person sees them. */
export const withReactions = async (
  db: Kysely<ChatDatabase>,
  userId: string,
  rows: readonly MessageRow[],
): Promise<MessageView[]> => {
  const found =
    rows.length === 0
      ? []
      : await db
          .selectFrom('reaction_counts as counts')
          .leftJoin('reactions as own', (join) =>
            join
              .onRef('own.message_id', '=', 'counts.message_id')
              .onRef('own.reaction', '=', 'counts.reaction')
              .on('own.user_id', '=', userId),
          )
          .select(['counts.message_id', 'counts.reaction', 'counts.count', 'own.user_id'])
          .where(
            'counts.message_id',
            'in',
            rows.map((row) => row.messageId),
          )
          .orderBy('counts.reaction')
          .execute()
  const reactions = new Map<string, ReactionView[]>(rows.map((row) => [row.messageId, []]))
  for (const { message_id, reaction, count, user_id } of found)
    reactions.get(message_id)?.push({ reaction, count, mine: user_id !== null })
  return rows.map((row) => ({ ...row, reactions: reactions.get(row.messageId) ?? [] }))
}

/** What of a room: all of it, a thread's replies, or what was said of places in a track. */
interface About {
  readonly threadId?: string
  readonly trackId?: string
}

type ReadingDeps = Pick<Database<ChatDatabase>, 'db' | 'prepare'>
type Found = { epoch: string; head: number } & (MessageRow | { [C in keyof MessageRow]: null })
/** One statement, so one snapshot, of a window and one message more on either side. */
const prepareWindow = ({ db, prepare }: ReadingDeps) => {
  type Values = Readonly<Record<'at' | 'older' | 'newer', number> & Record<'roomId' | 'about', string>>
  const page = (name: string, filterOf: (about: string) => RawBuilder<unknown>) =>
    prepare(name, ({ roomId, about, at, older, newer }: Values) => {
      const posts = sql`
        select ${messageColumns} from room_events
        where type = 'posted' and room_id = ${roomId}
          and ${filterOf(about)}`
      const query = sql<Found>`
        with page as (
          (${posts} and "offset" < ${at} order by "offset" desc limit ${older})
          union all
          (${posts} and "offset" >= ${at} order by "offset" limit ${newer})
        )
        select epoch, last_offset as head, page.* from room_heads left join page on true
        where room_id = ${roomId} order by page."offset" desc`
      return { compile: () => query.compile(db) }
    })
  const all = page('chat-page', () => sql`true`)
  const ofThread = page('chat-page-of-thread', (threadId) => sql`thread_id = ${threadId}`)
  const ofTrack = page(
    'chat-page-of-track',
    (trackId) => sql`track_id = ${trackId} and track_position_ms is not null`,
  )
  return (roomId: string, { threadId, trackId }: About, { at, older, newer }: Window): Promise<Found[]> => {
    const read = threadId !== undefined ? ofThread : trackId !== undefined ? ofTrack : all
    return read({ roomId, about: threadId ?? trackId ?? '', at, older: older + 1, newer: newer + 1 })
  }
}

const preparePage = (deps: ReadingDeps) => {
  const readWindow = prepareWindow(deps)
  return async (
    { roomId, userId, about = {} }: { roomId: string; userId: string; about?: About },
    window: Window,
  ): Promise<MessagePage> => {
    const rows = await readWindow(roomId, about, window)
    const [first] = rows
    if (first === undefined) throw new Rejection('room-not-found')
    const found = rows.flatMap((row) => (row.offset === null ? [] : [row]))
    const newer = found.filter((row) => row.offset >= window.at)
    const older = found.filter((row) => row.offset < window.at)
    // The probes are the outermost ones: the page is what lies between them.
    const page = [...newer.slice(Math.max(0, newer.length - window.newer)), ...older.slice(0, window.older)]
    return {
      epoch: first.epoch,
      offset: first.head,
      messages: await withReactions(deps.db, userId, page),
      hasOlder: older.length > window.older,
      hasNewer: newer.length > window.newer,
    }
  }
}

/** Who asks before anything is read. */
type Readable = Pick<Memberships, 'readable'>

/**
 * A private room's history is its members', a public room's is for whoever is signed in. Throws `room-not-found`.
 *
 * @param trackId only what was said of places in it
 */
export const readMessages = (deps: ReadingDeps, memberships: Readable) => {
  const readPage = preparePage(deps)
  return async (roomId: string, userId: string, window: Window, trackId?: string): Promise<MessagePage> => {
    await memberships.readable(roomId, userId)
    return readPage({ roomId, userId, about: trackId === undefined ? {} : { trackId } }, window)
  }
}

/** One message, as a link to it shows it. Throws `room-not-found`, `message-not-found`. */
export const getMessage =
  (db: Kysely<ChatDatabase>, memberships: Readable) =>
  async (roomId: string, userId: string, messageId: string): Promise<MessageView> => {
    await memberships.readable(roomId, userId)
    const { rows } = await sql<MessageRow>`
      select ${messageColumns} from room_events
      where event_id = ${messageId} and room_id = ${roomId} and type = 'posted'`.execute(db)
    const [message] = await withReactions(db, userId, rows)
    if (message === undefined) throw new Rejection('message-not-found')
    return message
  }

/** The replies of a thread, and the message that began it. Throws `room-not-found`, `message-not-found`. */
export const readThread = (deps: ReadingDeps, memberships: Readable) => {
  const [readPage, getRoot] = [preparePage(deps), getMessage(deps.db, memberships)]
  return async (
    roomId: string,
    userId: string,
    threadId: string,
    window: Window,
  ): Promise<MessagePage & { readonly root: MessageView }> => {
    const root = await getRoot(roomId, userId, threadId)
    return { root, ...(await readPage({ roomId, userId, about: { threadId } }, window)) }
  }
}

/**
 * The place of the first event at a time or after it: a search by halves, since a room's offsets are dense and its times
 * ascend with them (but for clocks of workers that differ by a moment). Room access is checked by whoever reads there.
 */
export const offsetAt =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string, time: Date): Promise<number> => {
    const { rows } = await sql<{ lo: number }>`
      with recursive search (lo, hi) as (
        select 1::bigint, last_offset + 1 from room_heads where room_id = ${roomId}
        union all
        select case when event.posted_at < ${time} then middle + 1 else lo end,
          case when event.posted_at < ${time} then hi else middle end
        from (select lo, hi, (lo + hi) / 2 as middle from search where lo < hi) as range
        join room_events as event on event.room_id = ${roomId} and event."offset" = middle
      )
      select lo from search where lo = hi`.execute(db)
    return rows[0]?.lo ?? 1
  }
