import { createHash, randomBytes } from 'node:crypto'
import { type Kysely } from 'kysely'
import { type AuthDatabase } from './database.ts'
import { type OidcFlow } from './oidc-provider.ts'

const lifetimeMs = 10 * 60_000

// The handle holds 256 random bits, so nothing slower is called for.
const hashOf = (handle: string) => createHash('sha256').update(handle).digest()

/** A flow, and until when it can be finished. */
export interface KeptFlow extends OidcFlow {
  readonly expiresAt: Date
}

/** Keeps a flow under a handle: one that is new, or was taken out and could not be finished. */
export const putFlow = async (db: Kysely<AuthDatabase>, handle: string, flow: KeptFlow): Promise<void> => {
  await db
    .insertInto('oidc_flows')
    .values({
      handle_hash: hashOf(handle),
      state: flow.state,
      nonce: flow.nonce,
      code_verifier: flow.codeVerifier,
      expires_at: flow.expiresAt,
    })
    .execute()
}

/** Keeps a new flow. Answers its handle (43 characters of base64url), which the browser that began it alone holds. */
export const keepFlow = async (db: Kysely<AuthDatabase>, flow: OidcFlow, now: Date): Promise<string> => {
  const handle = randomBytes(32).toString('base64url')
  await putFlow(db, handle, { ...flow, expiresAt: new Date(now.getTime() + lifetimeMs) })
  return handle
}

/** Takes a flow out: it is finished once. */
export const takeFlow = async (
  db: Kysely<AuthDatabase>,
  handle: string,
  now: Date,
): Promise<KeptFlow | undefined> => {
  const row = await db
    .deleteFrom('oidc_flows')
    .where('handle_hash', '=', hashOf(handle))
    .where('expires_at', '>', now)
    .returning(['state', 'nonce', 'code_verifier', 'expires_at'])
    .executeTakeFirst()
  return (
    row && { state: row.state, nonce: row.nonce, codeVerifier: row.code_verifier, expiresAt: row.expires_at }
  )
}

/** Removes flows that nobody finished. */
export const sweepFlows = async (db: Kysely<AuthDatabase>, now: Date): Promise<void> => {
  await db.deleteFrom('oidc_flows').where('expires_at', '<=', now).execute()
}
