import { type Kysely } from 'kysely'
import { platformId } from '../adapters/policies.ts'
import { type ChatDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { getRoom, type PageInput } from './rooms.ts'

export interface InvitationView {
  readonly roomId: string
  readonly roomName: string
  readonly invitedBy: string
  readonly invitedAt: Date
}

export interface BanView {
  readonly userId: string
  readonly bannedBy: string
  readonly bannedAt: Date
}

export interface ReportView {
  readonly messageId: string
  readonly reporterId: string
  readonly reason: string
  readonly reportedAt: Date
}

const assertModerator = async (db: Kysely<ChatDatabase>, roomId: string, userId: string): Promise<void> => {
  const { role } = await getRoom(db)(roomId, userId)
  if (role !== 'owner' && role !== 'moderator') throw new Rejection('not-moderator')
}

/** Those that wait for the person's answer; the youngest rooms first. */
export const listInvitations =
  (db: Kysely<ChatDatabase>) =>
  (userId: string, { after, limit }: PageInput): Promise<InvitationView[]> =>
    db
      .selectFrom('invitations')
      .innerJoin('rooms', 'rooms.id', 'invitations.room_id')
      .select([
        'invitations.room_id as roomId',
        'rooms.name as roomName',
        'invited_by as invitedBy',
        'invited_at as invitedAt',
      ])
      .where('user_id', '=', userId)
      .$if(after !== undefined, (query) => query.where('invitations.room_id', '<', after ?? ''))
      .orderBy('invitations.room_id', 'desc')
      .limit(limit)
      .execute()

/** For moderators, by user id. Throws Rejection. */
export const listBans =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string, userId: string, { after, limit }: PageInput): Promise<BanView[]> => {
    await assertModerator(db, roomId, userId)
    return db
      .selectFrom('bans')
      .select(['user_id as userId', 'banned_by as bannedBy', 'banned_at as bannedAt'])
      .where('room_id', '=', roomId)
      .$if(after !== undefined, (query) => query.where('user_id', '>', after ?? ''))
      .orderBy('user_id')
      .limit(limit)
      .execute()
  }

/** Those that nobody has dismissed, for moderators; the newest first, at most 100. Throws Rejection. */
export const listReports =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string, userId: string): Promise<ReportView[]> => {
    await assertModerator(db, roomId, userId)
    return db
      .selectFrom('reports')
      .select(['message_id as messageId', 'reporter_id as reporterId', 'reason', 'reported_at as reportedAt'])
      .where('room_id', '=', roomId)
      .orderBy('reported_at', 'desc')
      .limit(100)
      .execute()
  }

/** For moderators: the words that a room, or with null every room, does not let through. */
export const listBlockedWords =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string | null, userId: string): Promise<readonly string[]> => {
    if (roomId !== null) await assertModerator(db, roomId, userId)
    const row = await db
      .selectFrom('blocked_words')
      .select('words')
      .where('room_id', '=', roomId ?? platformId)
      .executeTakeFirst()
    return row?.words ?? []
  }
