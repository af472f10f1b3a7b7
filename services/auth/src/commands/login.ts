import { findAccountByEmail } from '../adapters/account-store.ts'
import { normalisePassword, parseEmail } from '../domain/credentials.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps } from './deps.ts'
import { type SignedIn, startSession } from './session.ts'

/**
 * Signs in. An address that nobody has, or that is none, costs what a wrong password costs: neither the answer nor its
 * timing tells who has an account. Rejects Rejection `invalid-credentials`, HasherBusy.
 */
export const login =
  (deps: Pick<AuthDeps, 'db' | 'passwords' | 'refreshTokens' | 'sign' | 'now'>) =>
  async (input: { email: string; password: string }): Promise<SignedIn> => {
    const account = await findAccountByEmail(deps.db, parseEmail(input.email) ?? '')
    const matches = await deps.passwords.verify(normalisePassword(input.password), account?.passwordHash)
    if (!account || !matches) throw new Rejection('invalid-credentials')
    return startSession(deps, account, deps.now())
  }
