import { findSession } from '../adapters/session-store.ts'
import { overStreams } from '../adapters/streams.ts'
import { type AuthDeps, type Caller } from './deps.ts'
import { actingAs, endSession } from './session.ts'

/**
 * Ends the session of a refresh token, any token of its family. What is no token of ours, or of a session that is gone,
 * has nothing to end, and that is no error (as RFC 7009 has it).
 */
export const logout =
  (deps: Pick<AuthDeps, 'db' | 'streams' | 'personal' | 'refreshTokens' | 'now'>) =>
  async (text: string, caller: Caller): Promise<void> => {
    const token = deps.refreshTokens.parse(text)
    if (!token) return
    const session = await findSession(deps.db, token.sessionId)
    if (!session || session.family.revokedAt) return
    if (!token.isGenuine && !session.tokenHash.equals(token.hash)) return
    const userId = session.account.id
    const metadata = await actingAs(deps, userId, caller)
    const command = { sessionId: token.sessionId, userId, reason: 'signed-out', at: deps.now() } as const
    await overStreams(deps.db, (trx) => endSession(trx, deps.streams, command, metadata))
  }
