import { createHash, randomBytes } from 'node:crypto'
import { type Kysely } from 'kysely'
import { type AuthDatabase } from './database.ts'
import { type OidcFlow } from './oidc-provider.ts'

const lifetimeMs = 10 * 60_000

// The handle holds 256 random bits, so nothing slower is called for.
const hashOf = (handle: string) => createHash('sha256').update(handle).digest()

/** Keeps a flow. Answers its handle (43 characters of base64url), which the browser that began it alone holds. */
export const keepFlow = async (db: Kysely<AuthDatabase>, flow: OidcFlow, now: Date): Promise<string> => {
  const handle = randomBytes(32).toString('base64url')
  await db
    .insertInto('oidc_flows')
    .values({
      handle_hash: hashOf(handle),
      state: flow.state,
      nonce: flow.nonce,
      code_verifier: flow.codeVerifier,
      expires_at: new Date(now.getTime() + lifetimeMs),
    })
    .execute()
  return handle
}

/** Takes a flow out: it is finished once. */
export const takeFlow = async (
  db: Kysely<AuthDatabase>,
  handle: string,
  now: Date,
): Promise<OidcFlow | undefined> => {
  const row = await db
    .deleteFrom('oidc_flows')
    .where('handle_hash', '=', hashOf(handle))
    .where('expires_at', '>', now)
    .returning(['state', 'nonce', 'code_verifier'])
    .executeTakeFirst()
  return row && { state: row.state, nonce: row.nonce, codeVerifier: row.code_verifier }
}

/** Removes flows that nobody finished. */
export const sweepFlows = async (db: Kysely<AuthDatabase>, now: Date): Promise<void> => {
  await db.deleteFrom('oidc_flows').where('expires_at', '<=', now).execute()
}
