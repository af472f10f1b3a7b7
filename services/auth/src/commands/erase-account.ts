import { type Sealing } from '@veza/kit/sealing'
import { projectAccount } from '../adapters/account-store.ts'
import { accountStream, overStreams } from '../adapters/streams.ts'
import { decideAccount } from '../domain/account.ts'
import { type AuthDeps } from './deps.ts'
import { endSessions } from './session.ts'

/**
 * Forgets a person: the account is signed in to by nobody, its sessions are ended, what is kept beside the events is
 * deleted, and so is the data key, which makes what the events hold of the person unreadable wherever a copy of them is.
 * Erasing again, or a person who never was here, changes nothing.
 */
export const eraseAccount =
  ({ db, streams, sealing, now }: Pick<AuthDeps, 'db' | 'streams' | 'now'> & { sealing: Sealing }) =>
  (userId: string, cause: { readonly actor: string; readonly causation: string }): Promise<void> =>
    overStreams(db, async (trx) => {
      const at = now()
      await streams.accounts.execute(trx, {
        stream: accountStream(userId),
        key: userId,
        decide: (state) => decideAccount({ type: 'erase', userId, at }, state),
        metadata: cause,
        alongside: (_, executed) => projectAccount(trx, userId, executed),
      })
      // From here on nobody can sign in: what is listed now are all sessions.
      await endSessions(trx, streams, { userId, reason: 'account-erased', at }, cause)
      for (const table of ['credentials', 'identities', 'one_time_tokens', 'sessions'] as const)
        await trx.deleteFrom(table).where('account_id', '=', userId).execute()
      await sealing.erase(trx, userId)
    })
