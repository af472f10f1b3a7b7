import { isSessionActive } from '../adapters/session-store.ts'
import { overStreams } from '../adapters/streams.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type SignedInCaller } from './deps.ts'
import { actingAs, endSession, endSessions } from './session.ts'

/** Ends one session of the person, this one or another. Rejects Rejection `no-such-session`. */
export const revokeSession =
  (deps: Pick<AuthDeps, 'db' | 'streams' | 'personal' | 'now'>) =>
  async (sessionId: string, caller: SignedInCaller): Promise<void> => {
    const { userId } = caller
    const at = deps.now()
    if (!(await isSessionActive(deps.db, { id: sessionId, userId, now: at })))
      throw new Rejection('no-such-session')
    const metadata = await actingAs(deps, userId, caller)
    const reason = sessionId === caller.sessionId ? 'signed-out' : 'revoked'
    await overStreams(deps.db, (trx) =>
      endSession(trx, deps.streams, { sessionId, userId, reason, at }, metadata),
    )
  }

/** Signs the person out everywhere, here too. */
export const revokeAllSessions =
  (deps: Pick<AuthDeps, 'db' | 'streams' | 'personal' | 'now'>) =>
  async (caller: SignedInCaller): Promise<void> => {
    const { userId } = caller
    const metadata = await actingAs(deps, userId, caller)
    await overStreams(deps.db, (trx) =>
      endSessions(trx, deps.streams, { userId, reason: 'revoked', at: deps.now() }, metadata),
    )
  }
