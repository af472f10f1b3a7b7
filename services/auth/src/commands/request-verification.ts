import { findAccount } from '../adapters/account-store.ts'
import { requestMail } from '../adapters/mail-requests.ts'
import { type AuthDeps, type SignedInCaller } from './deps.ts'

/** Wants the letter that verifies the address once more, unless it is verified. Rejects TooManyAttempts. */
export const requestVerification =
  (deps: Pick<AuthDeps, 'db' | 'index' | 'attempts' | 'limits' | 'mailWanted' | 'now'>) =>
  async ({ userId }: SignedInCaller): Promise<void> => {
    const account = await findAccount(deps.db, userId)
    if (!account?.emailHash || account.emailVerified) return
    const { emailHash } = account
    const key = deps.index.attempts('mail', emailHash)
    await deps.attempts.take([{ key, limit: deps.limits.mailPerAccount }], deps.now())
    await requestMail(deps.db, { kind: 'verify-email', emailHash }, deps.now())
    deps.mailWanted()
  }
