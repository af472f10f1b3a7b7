import { randomBytes } from 'node:crypto'
import { type Kysely } from 'kysely'
import { type Role, type Room, type RoomEvent, type Visibility } from '../domain/room.ts'
import { type ChatDatabase } from './schema.ts'

/** What is kept of a room itself; who is in it and how far it has come are tables of their own. */
export interface RoomDetails {
  readonly id: string
  readonly name: string
  readonly visibility: Visibility
  readonly ownerId: string
  readonly createdAt: Date
}

export interface Rooms {
  /** The room with its owner as first member, and a new epoch. */
  create(room: RoomDetails): Promise<void>
  /** undefined: there is no such room, whoever asks. */
  find(roomId: string, actorId: string, subjectId: string): Promise<Room | undefined>
  /** Idempotent: an event that another request brought about a moment ago changes nothing. */
  apply(roomId: string, events: readonly RoomEvent[], at: Date): Promise<void>
}

/** Short, and different from whatever the same room had before: equality is all that is asked of it. */
const newEpoch = () => randomBytes(6).toString('base64url')

/** UUID version 7 (RFC 9562): 48 bits of `at` in milliseconds, then random bits. Ids sort by age. */
export const newRoomId = (at: Date): string => {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(at.getTime(), 0, 6)
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

export const roomStore = (db: Kysely<ChatDatabase>): Rooms => ({
  async create({ id, name, visibility, ownerId, createdAt }) {
    await db.transaction().execute(async (trx) => {
      await trx
        .insertInto('rooms')
        .values({ id, name, visibility, owner_id: ownerId, created_at: createdAt })
        .execute()
      await trx
        .insertInto('members')
        .values({ room_id: id, user_id: ownerId, role: 'owner', joined_at: createdAt })
        .execute()
      await trx
        .insertInto('room_heads')
        .values({ room_id: id, epoch: newEpoch(), last_offset: 0, last_message_number: 0 })
        .execute()
    })
  },

  async find(roomId, actorId, subjectId) {
    const rows = await db
      .selectFrom('rooms')
      .leftJoin('members', (join) =>
        join.onRef('members.room_id', '=', 'rooms.id').on('members.user_id', 'in', [actorId, subjectId]),
      )
      .select(['rooms.visibility', 'members.user_id', 'members.role'])
      .where('rooms.id', '=', roomId)
      .execute()
    const [first] = rows
    const roleOf = (userId: string): Role | null => rows.find((row) => row.user_id === userId)?.role ?? null
    return (
      first && { visibility: first.visibility, actorRole: roleOf(actorId), subjectRole: roleOf(subjectId) }
    )
  },

  async apply(roomId, events, at) {
    for (const event of events) {
      switch (event.type) {
        case 'member-added':
          await db
            .insertInto('members')
            .values({ room_id: roomId, user_id: event.userId, role: 'member', joined_at: at })
            .onConflict((conflict) => conflict.doNothing())
            .execute()
          break
        case 'member-left':
          await db
            .deleteFrom('members')
            .where('room_id', '=', roomId)
            .where('user_id', '=', event.userId)
            .execute()
          break
        default:
          event satisfies never
      }
    }
  },
})
