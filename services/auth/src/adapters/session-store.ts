import { type Kysely, type Transaction } from 'kysely'
import { type RefreshFamily } from '../domain/refresh.ts'
import { type SessionEvent } from '../domain/session.ts'
import { type StoredAccount, storedAccount } from './account-store.ts'
import { type AuthDatabase } from './database.ts'
import { type RefreshToken } from './refresh-tokens.ts'

/** A refresh family as stored, with the account that it signs in. */
export interface StoredSession {
  /** When the person signed in. */
  readonly startedAt: Date
  readonly family: RefreshFamily
  /** Of the newest token. */
  readonly tokenHash: Buffer
  readonly account: StoredAccount
}

/** A session as its person sees it. */
export interface ListedSession {
  readonly id: string
  readonly method: string
  /** Sealed. */
  readonly address: Buffer | null
  /** Sealed. */
  readonly client: Buffer | null
  readonly startedAt: Date
  readonly refreshedAt: Date
  readonly expiresAt: Date
}

/** Writes a session that has started with its first token, and clears away the account's expired ones: nobody else does. */
export const insertSession = async (
  trx: Transaction<AuthDatabase>,
  session: {
    event: Extract<SessionEvent, { type: 'started' }>
    network: Buffer | null
    token: RefreshToken
    expiresAt: Date
  },
): Promise<void> => {
  const { event } = session
  await trx
    .deleteFrom('sessions')
    .where('account_id', '=', event.userId)
    .where('expires_at', '<=', event.at)
    .execute()
  await trx
    .insertInto('sessions')
    .values({
      id: event.sessionId,
      account_id: event.userId,
      generation: session.token.generation,
      token_hash: session.token.hash,
      method: event.method,
      network: session.network,
      address: event.address && Buffer.from(event.address),
      client: event.client && Buffer.from(event.client),
      created_at: event.at,
      rotated_at: event.at,
      expires_at: session.expiresAt,
      revoked_at: null,
    })
    .execute()
}

/** Whatever its state. */
export const findSession = async (
  db: Kysely<AuthDatabase>,
  id: string,
): Promise<StoredSession | undefined> => {
  const row = await db
    .selectFrom('sessions as s')
    .innerJoin('accounts as a', 'a.id', 's.account_id')
    .select([
      's.generation',
      's.token_hash',
      's.rotated_at',
      's.expires_at',
      's.revoked_at',
      's.created_at as started_at',
      'a.id',
      'a.email',
      'a.email_hash',
      'a.email_verified_at',
      'a.sealed_name',
      'a.display_name',
      'a.roles',
      'a.version',
    ])
    .where('s.id', '=', id)
    .executeTakeFirst()
  return (
    row && {
      family: {
        generation: row.generation,
        rotatedAt: row.rotated_at,
        expiresAt: row.expires_at,
        revokedAt: row.revoked_at,
      },
      tokenHash: row.token_hash,
      startedAt: row.started_at,
      account: storedAccount(row),
    }
  )
}

/** The person's sessions that go on, the one that was used last first; at most 200. */
export const listSessions = async (
  db: Kysely<AuthDatabase>,
  userId: string,
  now: Date,
): Promise<ListedSession[]> =>
  db
    .selectFrom('sessions')
    .select([
      'id',
      'method',
      'address',
      'client',
      'created_at as startedAt',
      'rotated_at as refreshedAt',
      'expires_at as expiresAt',
    ])
    .where('account_id', '=', userId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .orderBy('rotated_at', 'desc')
    .orderBy('id')
    .limit(200)
    .execute()

/** The ids of all sessions of an account that were not revoked, in one order for everybody who is to lock them. */
export const unrevokedSessions = async (db: Kysely<AuthDatabase>, userId: string): Promise<string[]> => {
  const rows = await db
    .selectFrom('sessions')
    .select('id')
    .where('account_id', '=', userId)
    .where('revoked_at', 'is', null)
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}

/** Whether a session of this person goes on. */
export const isSessionActive = async (
  db: Kysely<AuthDatabase>,
  { id, userId, now }: { id: string; userId: string; now: Date },
): Promise<boolean> => {
  const row = await db
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', id)
    .where('account_id', '=', userId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Claims `from` and makes `to` the family's newest token, in one statement: of all who present `from` at once, one is
 * answered true.
 */
export const rotateSession = async (
  db: Kysely<AuthDatabase>,
  rotation: { from: RefreshToken; to: RefreshToken; expiresAt: Date },
  now: Date,
): Promise<boolean> => {
  const { numUpdatedRows } = await db
    .updateTable('sessions')
    .set({
      generation: rotation.to.generation,
      token_hash: rotation.to.hash,
      rotated_at: now,
      expires_at: rotation.expiresAt,
    })
    .where('id', '=', rotation.from.sessionId)
    .where('token_hash', '=', rotation.from.hash)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}

/** Brings the row of a session up to its stream: no token of a revoked family is exchanged again. */
export const projectSession = async (
  trx: Transaction<AuthDatabase>,
  events: readonly SessionEvent[],
): Promise<void> => {
  for (const event of events)
    if (event.type === 'revoked')
      await trx
        .updateTable('sessions')
        .set({ revoked_at: event.at })
        .where('id', '=', event.sessionId)
        .execute()
}
