import { findSession, revokeSession } from '../adapters/session-store.ts'
import { type AuthDeps } from './deps.ts'

/**
 * Ends the session of a refresh token, any token of its family. What is no token of ours, or of a session that is gone,
 * has nothing to end, and that is no error (as RFC 7009 has it).
 */
export const logout =
  (deps: Pick<AuthDeps, 'db' | 'refreshTokens' | 'now'>) =>
  async (text: string): Promise<void> => {
    const token = deps.refreshTokens.parse(text)
    if (!token) return
    const session = await findSession(deps.db, token.sessionId)
    if (session && (token.isGenuine || session.tokenHash.equals(token.hash)))
      await revokeSession(deps.db, token.sessionId, deps.now())
  }
