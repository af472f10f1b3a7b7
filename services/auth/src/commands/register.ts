import { randomUUID } from 'node:crypto'
import { insertAccount } from '../adapters/account-store.ts'
import { type AuthDeps } from './deps.ts'
import { type SignedIn, startSession } from './session.ts'

/**
 * Creates an account and signs it in, both or neither. The fields are in their parsed form (domain/credentials.ts).
 * Rejects Rejection `email-taken`, HasherBusy.
 */
export const registerAccount =
  (deps: Pick<AuthDeps, 'db' | 'passwords' | 'refreshTokens' | 'sign' | 'now'>) =>
  async (input: { email: string; password: string; displayName: string }): Promise<SignedIn> => {
    const passwordHash = await deps.passwords.hash(input.password)
    const account = { id: randomUUID(), email: input.email, displayName: input.displayName, roles: [] }
    const now = deps.now()
    return deps.db.transaction().execute(async (trx) => {
      await insertAccount(trx, { ...account, passwordHash }, now)
      return startSession({ ...deps, db: trx }, account, now)
    })
  }
