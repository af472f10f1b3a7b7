import { requestMail } from '../adapters/mail-requests.ts'
import { parseEmail } from '../domain/credentials.ts'
import { type AuthDeps, type Caller } from './deps.ts'
import { ofNetwork } from './limited.ts'

/**
 * Wants a letter by which a new password is chosen. It does the same for an address that nobody has, or that is none:
 * who gets a letter is found out later, by whoever sends it. Rejects TooManyAttempts.
 */
export const forgotPassword =
  (deps: Pick<AuthDeps, 'db' | 'index' | 'attempts' | 'limits' | 'mailWanted' | 'now'>) =>
  async (email: string, caller: Caller): Promise<void> => {
    const { index, limits } = deps
    const now = deps.now()
    const emailHash = index.email(parseEmail(email) ?? '')
    await deps.attempts.take(
      [ofNetwork(deps, caller), { key: index.attempts('mail', emailHash), limit: limits.mailPerAccount }],
      now,
    )
    await requestMail(deps.db, { kind: 'reset-password', emailHash }, now)
    deps.mailWanted()
  }
