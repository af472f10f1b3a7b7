import { projectAccount } from '../adapters/account-store.ts'
import { findOneTimeToken, useOneTimeToken } from '../adapters/one-time-tokens.ts'
import { accountStream, overStreams } from '../adapters/streams.ts'
import { decideAccount } from '../domain/account.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type Caller } from './deps.ts'
import { limited } from './limited.ts'
import { actingAs } from './session.ts'

const purpose = 'verify-email'

/** Takes the token of a letter as proof that the person reads mail at the address. Rejects Rejection `invalid-token`. */
export const verifyEmail =
  (deps: AuthDeps) =>
  (text: string, caller: Caller): Promise<void> =>
    limited(deps, { caller, costs: ['invalid-token'] }, async () => {
      const { db, streams } = deps
      const at = deps.now()
      const userId = await findOneTimeToken(db, { text, purpose }, at)
      if (userId === undefined) throw new Rejection('invalid-token')
      const metadata = await actingAs(deps, userId, caller)
      await overStreams(db, async (trx) => {
        if ((await useOneTimeToken(trx, { text, purpose }, at)) === undefined)
          throw new Rejection('invalid-token')
        await streams.accounts.execute(trx, {
          stream: accountStream(userId),
          key: userId,
          decide: (state) => decideAccount({ type: 'verify-email', userId, at }, state),
          metadata,
          alongside: (_, executed) => projectAccount(trx, userId, executed),
        })
      })
    })
