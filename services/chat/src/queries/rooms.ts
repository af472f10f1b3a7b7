import { type Kysely, sql } from 'kysely'
import { type ChatDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Role, type Visibility, visibleTo } from '../domain/room.ts'

/** What a member has yet to read of a room. */
export interface Unread {
  /** Number of the last message that they said to have read; messages after it are unread, their own too. */
  readonly readNumber: number
  readonly messages: number
  readonly mentions: number
}

/** A room as one person sees it. */
export interface RoomView {
  readonly id: string
  /** Empty in a direct room. */
  readonly name: string
  readonly visibility: Visibility
  readonly ownerId: string
  /** null = not a member. */
  readonly role: Role | null
  readonly createdAt: Date
  readonly archivedAt: Date | null
  readonly slowModeSeconds: number
  /** The number of the room's last message; 0 = none yet. */
  readonly lastMessageNumber: number
  /** null = not a member. */
  readonly unread: Unread | null
  /** The other one of a direct room. */
  readonly peerId: string | null
}

export interface MemberView {
  readonly userId: string
  readonly role: Role
  readonly joinedAt: Date
  readonly mutedUntil: Date | null
  /** How far they have read, and when they last said so: read receipts. */
  readonly readNumber: number
  readonly readAt: Date | null
}

/** `after`: the id that the page before ended with. */
export interface PageInput {
  readonly after: string | undefined
  readonly limit: number
}

interface RoomRow extends Omit<RoomView, 'unread'> {
  readonly isInvited: boolean
  readonly readNumber: number | null
  readonly mentions: number
}

const viewOf = ({ readNumber, mentions, ...room }: RoomRow): RoomView => ({
  ...room,
  unread:
    readNumber === null
      ? null
      : { readNumber, messages: Math.max(0, room.lastMessageNumber - readNumber), mentions },
})

const roomsSeenBy = (userId: string) => sql`
  select rooms.id, rooms.name, rooms.visibility, rooms.owner_id as "ownerId", members.role,
    rooms.created_at as "createdAt", rooms.archived_at as "archivedAt",
    rooms.slow_mode_seconds as "slowModeSeconds", room_heads.last_message_number as "lastMessageNumber",
    members.read_number as "readNumber", exists (
      select 1 from invitations where invitations.room_id = rooms.id and invitations.user_id = ${userId}
    ) as "isInvited", (
      select count(*) from mentions where mentions.room_id = rooms.id and mentions.user_id = ${userId}
        and mentions.message_number > members.read_number
    ) as mentions, (
      select peer.user_id from members as peer
      where rooms.visibility = 'direct' and members.user_id is not null
        and peer.room_id = rooms.id and peer.user_id <> ${userId}
    ) as "peerId"
  from rooms
  join room_heads on room_heads.room_id = rooms.id
  left join members on members.room_id = rooms.id and members.user_id = ${userId}`

/** Throws Rejection `room-not-found`, also for a private room that the person is neither in nor invited to. */
export const getRoom =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string, userId: string): Promise<RoomView> => {
    const { rows } = await sql<RoomRow>`${roomsSeenBy(userId)} where rooms.id = ${roomId}`.execute(db)
    const [room] = rows
    return viewOf(visibleTo(room, room?.role ?? null, room?.isInvited))
  }

/** The rooms that the person is in, or all public ones; the youngest first. */
export const listRooms =
  (db: Kysely<ChatDatabase>) =>
  async (scope: 'mine' | 'public', userId: string, { after, limit }: PageInput): Promise<RoomView[]> => {
    // Each orders by the index that it walks, so that a page reads no more rows than it shows.
    const { rows } =
      scope === 'mine'
        ? await sql<RoomRow>`${roomsSeenBy(userId)}
            where members.user_id = ${userId} and ${after === undefined ? sql`true` : sql`members.room_id < ${after}`}
            order by members.room_id desc limit ${limit}`.execute(db)
        : await sql<RoomRow>`${roomsSeenBy(userId)}
            where rooms.visibility = 'public' and ${after === undefined ? sql`true` : sql`rooms.id < ${after}`}
            order by rooms.id desc limit ${limit}`.execute(db)
    return rows.map(viewOf)
  }

/** For members only, by user id. Throws Rejection. */
export const listMembers =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string, userId: string, { after, limit }: PageInput): Promise<MemberView[]> => {
    const room = await getRoom(db)(roomId, userId)
    if (room.role === null) throw new Rejection('not-a-member')
    return db
      .selectFrom('members')
      .select([
        'user_id as userId',
        'role',
        'joined_at as joinedAt',
        'muted_until as mutedUntil',
        'read_number as readNumber',
        'read_at as readAt',
      ])
      .where('room_id', '=', roomId)
      .$if(after !== undefined, (query) => query.where('user_id', '>', after ?? ''))
      .orderBy('user_id')
      .limit(limit)
      .execute()
  }
