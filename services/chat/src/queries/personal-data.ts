import { type AuditSource } from '@veza/kit/audit'
import { inPages, type PersonalParts } from '@veza/kit/personal-data'
import { type Kysely, sql } from 'kysely'
import { roomsEverIn } from '../adapters/rooms-ever-in.ts'
import { type ChatDatabase } from '../adapters/schema.ts'

const pageSize = 500
/** Of a room's history that is looked through at once. */
const stretch = 5_000

interface Deps {
  readonly db: Kysely<ChatDatabase>
  readonly audit: AuditSource
}

/**
 * What somebody wrote and did in their rooms, in each room's order. Histories have no index by sender, which every post
 * would pay for: a room is looked through from end to end.
 */
async function* eventsOf(deps: Deps, userId: string): AsyncGenerator<object> {
  for (const roomId of await roomsEverIn(deps.db, userId)) {
    const head = await deps.db
      .selectFrom('room_heads')
      .select('last_offset')
      .where('room_id', '=', roomId)
      .executeTakeFirst()
    for (let after = 0; after < (head?.last_offset ?? 0); after += stretch) {
      const { rows } = await sql<object>`
        select room_id as "roomId", "offset", event_id as id, type, message_id as "messageId",
          coalesce(edited_body, body) as body, reply_to as "replyTo", coalesce(edited_mentions, mentions) as mentions,
          track_id as "trackId", track_position_ms as "trackPositionMs", reaction, posted_at as at, edited_at as "editedAt", deleted_at as "deletedAt"
        from room_events
        where room_id = ${roomId} and "offset" > ${after} and "offset" <= ${after + stretch} and sender_id = ${userId}
        order by "offset"`.execute(deps.db)
      yield* rows
    }
  }
}

const withoutActor = (details: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(details).filter(([name]) => name !== 'actorId'))

/** All that chat has about a person, for their export. */
export const readPersonalData =
  (deps: Deps) =>
  async (userId: string): Promise<PersonalParts> => {
    const { db, audit } = deps
    const memberships = inPages((after?: { roomId: string }) =>
      db
        .selectFrom('members')
        .innerJoin('rooms', 'rooms.id', 'members.room_id')
        .select(['room_id as roomId', 'name', 'visibility', 'role', 'joined_at as joinedAt'])
        .select(['read_number as readNumber', 'read_at as readAt', 'muted_until as mutedUntil'])
        .where('user_id', '=', userId)
        .$if(after !== undefined, (query) => query.where('room_id', '>', after?.roomId ?? ''))
        .orderBy('room_id')
        .limit(pageSize)
        .execute(),
    )
    const invitations = inPages((after?: { roomId: string }) =>
      db
        .selectFrom('invitations')
        .select(['room_id as roomId', 'invited_by as invitedBy', 'invited_at as invitedAt'])
        .where('user_id', '=', userId)
        .$if(after !== undefined, (query) => query.where('room_id', '>', after?.roomId ?? ''))
        .orderBy('room_id')
        .limit(pageSize)
        .execute(),
    )
    const mentions = inPages((after?: { roomId: string; messageNumber: number }) =>
      db
        .selectFrom('mentions')
        .select(['room_id as roomId', 'message_number as messageNumber', 'message_id as messageId'])
        .where('user_id', '=', userId)
        .$if(after !== undefined, (query) =>
          query.where((eb) =>
            eb(
              eb.refTuple('room_id', 'message_number'),
              '>',
              eb.tuple(after?.roomId ?? '', after?.messageNumber ?? 0),
            ),
          ),
        )
        .orderBy('room_id')
        .orderBy('message_number')
        .limit(pageSize)
        .execute(),
    )
    // Who reported is in the event, and why beside it: so the reasons are looked up for those that are found.
    const reports = inPages(async (after?: { id: string; at: string }) => {
      const entries = await audit.read({ actor: userId, types: ['MessageReported'] }, after, pageSize)
      const messageIds = entries.map(({ details }) => String(details['messageId']))
      const reasons =
        messageIds.length === 0
          ? []
          : await db
              .selectFrom('reports')
              .select(['message_id', 'reason'])
              .where('reporter_id', '=', userId)
              .where('message_id', 'in', messageIds)
              .execute()
      const reasonOf = new Map(reasons.map(({ message_id, reason }) => [message_id, reason]))
      return entries.map(({ id, at, details }) => {
        const { roomId, messageId } = details
        return { id, at, roomId, messageId, reason: reasonOf.get(String(messageId)) ?? null }
      })
    })
    // What happened to them and what they did to rooms. Who else did it is not theirs to know from here.
    const history = inPages(async (after?: { id: string; at: string }) => {
      const entries = await audit.read({ names: [userId] }, after, pageSize)
      return entries.map(({ id, at, type, actor, address, details }) => ({
        ...{ id, at, what: type, byYou: actor === userId, details: withoutActor(details) },
        address: actor === userId ? address : null,
      }))
    })
    const seen = await db
      .selectFrom('last_seen')
      .select('at')
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return {
      ...{ memberships, invitations, mentions, reports, history },
      lastSeen: seen?.at ?? null,
      messages: eventsOf(deps, userId),
    }
  }
