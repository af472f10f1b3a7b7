import { type Kysely, sql } from 'kysely'
import { type Role, type RoomEvent } from '../domain/room.ts'
import { type ChatDatabase } from './schema.ts'

/** With nothing unread: what was there before they came is history. */
export const insertMember = async (
  db: Kysely<ChatDatabase>,
  roomId: string,
  userId: string,
  role: Role,
  at: Date,
): Promise<void> => {
  await sql`
    insert into members (room_id, user_id, role, joined_at, read_number)
    select ${roomId}::uuid, ${userId}::uuid, ${role}, ${at}, last_message_number
    from room_heads where room_id = ${roomId}
    on conflict do nothing`.execute(db)
  await db.deleteFrom('invitations').where('room_id', '=', roomId).where('user_id', '=', userId).execute()
}

/** Workers read the policy anew. Waits for the chunk that is being decided with the old one. */
const newPolicy = async (db: Kysely<ChatDatabase>, roomId: string): Promise<void> => {
  await sql`update room_heads set policy = policy + 1 where room_id = ${roomId}`.execute(db)
}

/** What an event makes of the tables that a room is read from. */
export const applyRoomEvent = async (
  db: Kysely<ChatDatabase>,
  roomId: string,
  actorId: string,
  event: RoomEvent,
  at: Date,
): Promise<void> => {
  const memberRow = (userId: string) =>
    db.updateTable('members').where('room_id', '=', roomId).where('user_id', '=', userId)
  switch (event.type) {
    case 'member-added':
      return insertMember(db, roomId, event.userId, event.role, at)
    case 'member-left':
      await db
        .deleteFrom('members')
        .where('room_id', '=', roomId)
        .where('user_id', '=', event.userId)
        .execute()
      await db
        .deleteFrom('mentions')
        .where('user_id', '=', event.userId)
        .where('room_id', '=', roomId)
        .execute()
      return
    case 'role-changed':
      await memberRow(event.userId).set({ role: event.role }).execute()
      if (event.role === 'owner')
        await db.updateTable('rooms').set({ owner_id: event.userId }).where('id', '=', roomId).execute()
      return
    case 'invited':
      await db
        .insertInto('invitations')
        .values({ room_id: roomId, user_id: event.userId, invited_by: actorId, invited_at: at })
        .execute()
      return
    case 'invitation-withdrawn':
      await db
        .deleteFrom('invitations')
        .where('room_id', '=', roomId)
        .where('user_id', '=', event.userId)
        .execute()
      return
    case 'muted':
      await memberRow(event.userId).set({ muted_until: event.until }).execute()
      return
    case 'banned':
      await db
        .insertInto('bans')
        .values({ room_id: roomId, user_id: event.userId, banned_by: actorId, banned_at: at })
        .execute()
      await db
        .deleteFrom('invitations')
        .where('room_id', '=', roomId)
        .where('user_id', '=', event.userId)
        .execute()
      return
    case 'ban-lifted':
      await db.deleteFrom('bans').where('room_id', '=', roomId).where('user_id', '=', event.userId).execute()
      return
    case 'settings-changed':
      await db
        .updateTable('rooms')
        .set({ archived_at: event.archived ? at : null, slow_mode_seconds: event.slowModeSeconds })
        .where('id', '=', roomId)
        .execute()
      return newPolicy(db, roomId)
    case 'words-blocked':
      await sql`
        insert into blocked_words values (${roomId}, ${[...event.words]})
        on conflict (room_id) do update set words = excluded.words`.execute(db)
      return newPolicy(db, roomId)
    default:
      event satisfies never
  }
}
