import { findAccount, findPasswordHash, projectAccount, setPasswordHash } from '../adapters/account-store.ts'
import { requestMail } from '../adapters/mail-requests.ts'
import { accountStream, overStreams } from '../adapters/streams.ts'
import { decideAccount } from '../domain/account.ts'
import { normalisePassword } from '../domain/credentials.ts'
import { isCurrentHash } from '../domain/password-hash.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type SignedInCaller } from './deps.ts'
import { limited } from './limited.ts'
import { actingAs, endSessions } from './session.ts'

/**
 * Sets another password for somebody who knows the present one, and ends every session but theirs. An account without a
 * password (somebody who signs in elsewhere) gets its first one by a letter. Rejects Rejection `invalid-credentials`,
 * `password-guessable`; HasherBusy, TooManyAttempts.
 */
export const changePassword =
  (deps: AuthDeps) =>
  (input: { currentPassword: string; newPassword: string }, caller: SignedInCaller): Promise<void> =>
    deps.passwords.admit(async (hashing) => {
      const { db, streams, index, personal } = deps
      const { userId } = caller
      const account = await findAccount(db, userId)
      const said = account && (await personal.openIntroduction(userId, account))
      if (!account?.emailHash || !said) throw new Rejection('no-such-account')
      const { emailHash } = account
      if (deps.isGuessable(input.newPassword, [said.email, said.displayName]))
        throw new Rejection('password-guessable')

      // Whoever holds a stolen access token is not to guess the password with it.
      const more = [{ key: index.attempts('change', userId), limit: deps.limits.perAccount }]
      await limited(deps, { caller, costs: ['invalid-credentials'], more }, async () => {
        const hash = await findPasswordHash(db, userId)
        const current = hash !== undefined && isCurrentHash(hash)
        const given = current ? normalisePassword(input.currentPassword) : input.currentPassword
        if (!(await hashing.verify(given, hash))) throw new Rejection('invalid-credentials')
        const passwordHash = await hashing.hash(input.newPassword)
        const metadata = await actingAs(deps, userId, caller)
        const at = deps.now()

        await overStreams(db, async (trx) => {
          await streams.accounts.execute(trx, {
            stream: accountStream(userId),
            key: userId,
            decide: (state) =>
              decideAccount({ type: 'change-password', reason: 'changed', userId, at }, state),
            metadata,
            alongside: async (_, executed) => {
              await projectAccount(trx, userId, executed)
              await setPasswordHash(trx, userId, passwordHash)
            },
          })
          const others = { userId, except: caller.sessionId, reason: 'password-changed', at } as const
          await endSessions(trx, streams, others, metadata)
          await requestMail(trx, { kind: 'password-changed', emailHash }, at)
        })
      })
      deps.mailWanted()
    })
