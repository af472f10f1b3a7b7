import { type Kysely } from 'kysely'
import { type Account } from '../domain/account.ts'
import { type RefreshFamily } from '../domain/refresh.ts'
import { type AuthDatabase } from './database.ts'
import { type RefreshToken } from './refresh-tokens.ts'

/** A refresh family as stored, with the account that it signs in. */
export interface Session {
  readonly family: RefreshFamily
  /** Of the newest token. */
  readonly tokenHash: Buffer
  readonly account: Account
}

/** Starts a family with its first token, and clears away the account's expired ones: nobody else does. */
export const insertSession = async (
  db: Kysely<AuthDatabase>,
  session: { accountId: string; token: RefreshToken; expiresAt: Date },
  now: Date,
): Promise<void> => {
  await db
    .deleteFrom('sessions')
    .where('account_id', '=', session.accountId)
    .where('expires_at', '<=', now)
    .execute()
  await db
    .insertInto('sessions')
    .values({
      id: session.token.sessionId,
      account_id: session.accountId,
      generation: session.token.generation,
      token_hash: session.token.hash,
      created_at: now,
      rotated_at: now,
      expires_at: session.expiresAt,
      revoked_at: null,
    })
    .execute()
}

/** Whatever its state. */
export const findSession = async (db: Kysely<AuthDatabase>, id: string): Promise<Session | undefined> => {
  const row = await db
    .selectFrom('sessions as s')
    .innerJoin('accounts as a', 'a.id', 's.account_id')
    .select([
      's.generation',
      's.token_hash',
      's.rotated_at',
      's.expires_at',
      's.revoked_at',
      'a.id',
      'a.email',
      'a.display_name',
      'a.roles',
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
      account: { id: row.id, email: row.email, displayName: row.display_name, roles: row.roles },
    }
  )
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

/** Ends a family. No token of it is exchanged again. */
export const revokeSession = async (db: Kysely<AuthDatabase>, id: string, now: Date): Promise<void> => {
  await db
    .updateTable('sessions')
    .set({ revoked_at: now })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute()
}
