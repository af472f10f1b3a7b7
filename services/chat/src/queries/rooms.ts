import { type Kysely } from 'kysely'
import { type ChatDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Role, type Visibility, visibleTo } from '../domain/room.ts'

/** A room as one person sees it. */
export interface RoomView {
  readonly id: string
  readonly name: string
  readonly visibility: Visibility
  readonly ownerId: string
  /** null = not a member. */
  readonly role: Role | null
  readonly createdAt: Date
}

export interface MemberView {
  readonly userId: string
  readonly role: Role
  readonly joinedAt: Date
}

/** `after`: the id that the page before ended with. */
interface PageInput {
  readonly after: string | undefined
  readonly limit: number
}

const roomsSeenBy = (db: Kysely<ChatDatabase>, userId: string) =>
  db
    .selectFrom('rooms')
    .leftJoin('members', (join) =>
      join.onRef('members.room_id', '=', 'rooms.id').on('members.user_id', '=', userId),
    )
    .select([
      'rooms.id',
      'rooms.name',
      'rooms.visibility',
      'rooms.owner_id as ownerId',
      'members.role',
      'rooms.created_at as createdAt',
    ])

/** Throws Rejection `room-not-found`, also for a private room that the person is not in. */
export const getRoom =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string, userId: string): Promise<RoomView> => {
    const room = await roomsSeenBy(db, userId).where('rooms.id', '=', roomId).executeTakeFirst()
    return visibleTo(room, room?.role ?? null)
  }

/** The rooms that the person is in, or all public ones; the youngest first. */
export const listRooms =
  (db: Kysely<ChatDatabase>) =>
  (scope: 'mine' | 'public', userId: string, { after, limit }: PageInput): Promise<RoomView[]> => {
    const rooms = roomsSeenBy(db, userId).limit(limit)
    // Each orders by the index that it walks, so that a page reads no more rows than it shows.
    return scope === 'mine'
      ? rooms
          .where('members.user_id', '=', userId)
          .$if(after !== undefined, (query) => query.where('members.room_id', '<', after ?? ''))
          .orderBy('members.room_id', 'desc')
          .execute()
      : rooms
          .where('rooms.visibility', '=', 'public')
          .$if(after !== undefined, (query) => query.where('rooms.id', '<', after ?? ''))
          .orderBy('rooms.id', 'desc')
          .execute()
  }

/** For members only, by user id. Throws Rejection. */
export const listMembers =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string, userId: string, { after, limit }: PageInput): Promise<MemberView[]> => {
    const room = await getRoom(db)(roomId, userId)
    if (room.role === null) throw new Rejection('not-a-member')
    return db
      .selectFrom('members')
      .select(['user_id as userId', 'role', 'joined_at as joinedAt'])
      .where('room_id', '=', roomId)
      .$if(after !== undefined, (query) => query.where('user_id', '>', after ?? ''))
      .orderBy('user_id')
      .limit(limit)
      .execute()
  }
