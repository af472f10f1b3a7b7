import { type Database } from '@veza/kit/postgres'
import { type Kysely, sql } from 'kysely'
import { LRUCache } from 'lru-cache'
import { type Audience, type Happening, noticesOf } from '../domain/notice.ts'
import { type ChatDatabase } from './schema.ts'
import { appendNotices, noticesOfSources, pruneUserLogs, type StoredNotice } from './user-log.ts'

/** What single users are told of rooms. */
export interface Notices {
  /**
   * Decides who is told of what happened, and writes it, in one transaction: it is stored when this resolves. What was
   * told of the same events before, by whichever run, is given back as it was. In an order in which each user's offsets
   * ascend.
   */
  tell(happenings: readonly Happening[]): Promise<StoredNotice[]>
  /** Which of the rooms are direct ones: of all others only mentions and who is in them are told. */
  directRooms(roomIds: readonly string[]): Promise<ReadonlySet<string>>
  /** Deletes what was told before a time, some of it at once. Resolves to how much that was. */
  prune(before: Date, limit: number): Promise<number>
}

/** What a room is never changes. */
const maxRemembered = 100_000

const grouped = (rows: readonly { of: string; userId: string; messageNumber: number }[]) => {
  const groups = new Map<string, Map<string, number>>()
  for (const { of, userId, messageNumber } of rows)
    groups.set(of, (groups.get(of) ?? new Map<string, number>()).set(userId, messageNumber))
  return groups
}

const loadAudience = async (
  trx: Kysely<ChatDatabase>,
  happenings: readonly Happening[],
): Promise<Audience & { readonly told: Map<string, Map<string, number>> }> => {
  const messages = [...new Set(happenings.flatMap((event) => ('messageId' in event ? event.messageId : [])))]
  const roomsOf = (kind: (event: Happening) => boolean) => [
    ...new Set(happenings.filter(kind).map(({ roomId }) => roomId)),
  ]
  const talkedIn = roomsOf((event) => 'messageId' in event)
  const invitedTo = roomsOf((event) => event.type === 'invitation')
  const mentioned = await sql<{ of: string; userId: string; messageNumber: number }>`
    select message_id as "of", user_id as "userId", message_number as "messageNumber" from mentions
    where message_id = any(${messages}::uuid[])`.execute(trx)
  const lastTold = await sql<{ of: string; userId: string; messageNumber: number; type: string }>`
    select distinct on (message_id, user_id) message_id as "of", user_id as "userId",
      message_number as "messageNumber", type
    from user_events where message_id = any(${messages}::uuid[])
    order by message_id, user_id, "offset" desc`.execute(trx)
  const peers = await sql<{ roomId: string; userId: string }>`
    select room_id as "roomId", user_id as "userId" from members join rooms on rooms.id = room_id
    where visibility = 'direct' and room_id = any(${talkedIn}::uuid[])`.execute(trx)
  const invited = await sql<{ roomId: string; userId: string }>`
    select room_id as "roomId", user_id as "userId" from invitations
    where room_id = any(${invitedTo}::uuid[])`.execute(trx)

  const mentions = grouped(mentioned.rows)
  const told = grouped(lastTold.rows.filter(({ type }) => type === 'mention'))
  const invitations = new Set(invited.rows.map(({ roomId, userId }) => `${roomId} ${userId}`))
  const nobody = new Map<string, number>()
  return {
    told,
    peersOf: (roomId) => peers.rows.filter((row) => row.roomId === roomId).map((row) => row.userId),
    mentionedIn: (messageId) => mentions.get(messageId) ?? nobody,
    toldOf: (messageId) => told.get(messageId) ?? nobody,
    isInvited: (roomId, userId) => invitations.has(`${roomId} ${userId}`),
  }
}

export const noticeStore = ({ db }: Pick<Database<ChatDatabase>, 'db'>): Notices => {
  const kinds = new LRUCache<string, boolean>({ max: maxRemembered })

  return {
    tell: (happenings) =>
      db.transaction().execute(async (trx) => {
        const before = await noticesOfSources(
          trx,
          happenings.map(({ sourceId }) => sourceId),
        )
        const known = new Set(before.map(({ sourceId }) => sourceId))
        const fresh = happenings.filter(({ sourceId }) => !known.has(sourceId))
        if (fresh.length === 0) return before
        const audience = await loadAudience(trx, fresh)
        const notices = fresh.flatMap((happening) => {
          const decided = noticesOf(happening, audience)
          for (const { type, messageId, userId, messageNumber } of decided) {
            if (messageId === null) continue
            const told = audience.told.get(messageId) ?? new Map<string, number>()
            audience.told.set(messageId, told)
            if (type === 'mention') told.set(userId, messageNumber ?? 0)
            else told.delete(userId)
          }
          return decided
        })
        return [...before, ...(await appendNotices(trx, notices))]
      }),

    async directRooms(roomIds) {
      const unknown = roomIds.filter((roomId) => kinds.get(roomId) === undefined)
      if (unknown.length > 0) {
        const { rows } = await sql<{ id: string; direct: boolean }>`
          select id, visibility = 'direct' as direct from rooms where id = any(${unknown}::uuid[])`.execute(
          db,
        )
        for (const { id, direct } of rows) kinds.set(id, direct)
      }
      return new Set(roomIds.filter((roomId) => kinds.get(roomId) === true))
    },

    prune: (before, limit) => pruneUserLogs(db, before, limit),
  }
}
