import { createHash, randomBytes } from 'node:crypto'
import { type Kysely } from 'kysely'
import { type TokenPurpose } from '../domain/letters.ts'
import { type AuthDatabase } from './database.ts'

/** How long each is good for, milliseconds. */
export const oneTimeTokenLifetimeMs: Readonly<Record<TokenPurpose, number>> = {
  'verify-email': 3 * 24 * 3_600_000,
  'reset-password': 3_600_000,
}

// The token holds 256 random bits, so nothing slower is called for.
const hashOf = (text: string) => createHash('sha256').update(text).digest()

/** A new token of an account. It alone holds the text (43 characters of base64url); its hash is stored. */
export const issueOneTimeToken = async (
  db: Kysely<AuthDatabase>,
  { accountId, purpose }: { accountId: string; purpose: TokenPurpose },
  now: Date,
): Promise<string> => {
  const text = randomBytes(32).toString('base64url')
  await db
    .insertInto('one_time_tokens')
    .values({
      token_hash: hashOf(text),
      purpose,
      account_id: accountId,
      expires_at: new Date(now.getTime() + oneTimeTokenLifetimeMs[purpose]),
    })
    .execute()
  return text
}

/** The account that a token of this purpose is for, while it is good. Does not use it up. */
export const findOneTimeToken = async (
  db: Kysely<AuthDatabase>,
  { text, purpose }: { text: string; purpose: TokenPurpose },
  now: Date,
): Promise<string | undefined> =>
  (
    await db
      .selectFrom('one_time_tokens')
      .select('account_id')
      .where('token_hash', '=', hashOf(text))
      .where('purpose', '=', purpose)
      .where('expires_at', '>', now)
      .executeTakeFirst()
  )?.account_id

/**
 * Uses a token up, in the transaction of what it allows, and with it every other of its account and purpose. Of all who
 * use it at once one is answered the account, the others undefined.
 */
export const useOneTimeToken = async (
  db: Kysely<AuthDatabase>,
  { text, purpose }: { text: string; purpose: TokenPurpose },
  now: Date,
): Promise<string | undefined> => {
  const used = await db
    .deleteFrom('one_time_tokens')
    .where('token_hash', '=', hashOf(text))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', now)
    .returning('account_id')
    .executeTakeFirst()
  if (!used) return undefined
  await db
    .deleteFrom('one_time_tokens')
    .where('account_id', '=', used.account_id)
    .where('purpose', '=', purpose)
    .execute()
  return used.account_id
}

/** Removes what has expired. */
export const sweepOneTimeTokens = async (db: Kysely<AuthDatabase>, now: Date): Promise<void> => {
  await db.deleteFrom('one_time_tokens').where('expires_at', '<=', now).execute()
}
