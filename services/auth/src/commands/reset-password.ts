import { findAccount, projectAccount, setPasswordHash } from '../adapters/account-store.ts'
import { requestMail } from '../adapters/mail-requests.ts'
import { findOneTimeToken, useOneTimeToken } from '../adapters/one-time-tokens.ts'
import { accountStream, overStreams } from '../adapters/streams.ts'
import { decideAccount } from '../domain/account.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type Caller } from './deps.ts'
import { limited } from './limited.ts'
import { actingAs, endSessions } from './session.ts'

const purpose = 'reset-password'

/**
 * Sets another password by the token of a letter, which proves the address as well, and ends every session: whoever
 * resets a password may have lost the former one to somebody. Rejects Rejection `invalid-token`, `password-guessable`;
 * HasherBusy, TooManyAttempts.
 */
export const resetPassword =
  (deps: AuthDeps) =>
  (input: { token: string; password: string }, caller: Caller): Promise<void> =>
    deps.passwords.admit((hashing) =>
      limited(deps, { caller, costs: ['invalid-token'] }, async () => {
        const { db, streams, index, personal } = deps
        const at = deps.now()
        const token = { text: input.token, purpose } as const
        const userId = await findOneTimeToken(db, token, at)
        const account = userId === undefined ? undefined : await findAccount(db, userId)
        const said = account && (await personal.openIntroduction(account.id, account))
        if (userId === undefined || !account?.emailHash || !said) throw new Rejection('invalid-token')
        const { emailHash } = account
        if (deps.isGuessable(input.password, [said.email, said.displayName]))
          throw new Rejection('password-guessable')
        const passwordHash = await hashing.hash(input.password)
        const metadata = await actingAs(deps, userId, caller)

        await overStreams(db, async (trx) => {
          if ((await useOneTimeToken(trx, token, at)) === undefined) throw new Rejection('invalid-token')
          await streams.accounts.execute(trx, {
            stream: accountStream(userId),
            key: userId,
            decide: (state) => [
              ...decideAccount({ type: 'change-password', reason: 'reset', userId, at }, state),
              ...decideAccount({ type: 'verify-email', userId, at }, state),
            ],
            metadata,
            alongside: async (_, executed) => {
              await projectAccount(trx, userId, executed)
              await setPasswordHash(trx, userId, passwordHash)
            },
          })
          await endSessions(trx, streams, { userId, reason: 'password-changed', at }, metadata)
          await requestMail(trx, { kind: 'password-changed', emailHash }, at)
        })
        // The owner has proved themselves: what strangers tried counts no longer against them.
        await deps.attempts.clear([index.attempts('account', emailHash)])
        deps.mailWanted()
      }),
    )
