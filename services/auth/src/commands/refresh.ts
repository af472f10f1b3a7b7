import { findSession, revokeSession, rotateSession } from '../adapters/session-store.ts'
import { decideRefresh } from '../domain/refresh.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps } from './deps.ts'
import { refreshTokenExpiry, type SignedIn, signedIn } from './session.ts'

/**
 * Exchanges a refresh token for its successor and a new access token. Rejects Rejection `invalid-refresh-token`,
 * `refresh-token-reused`.
 */
export const refreshSession =
  (deps: Pick<AuthDeps, 'db' | 'refreshTokens' | 'sign' | 'now' | 'log'>) =>
  async (text: string): Promise<SignedIn> => {
    const token = deps.refreshTokens.parse(text)
    if (!token) throw new Rejection('invalid-refresh-token')
    const successor = deps.refreshTokens.successor(token)

    const exchange = async (): Promise<SignedIn> => {
      const session = await findSession(deps.db, token.sessionId)
      if (!session) throw new Rejection('invalid-refresh-token')
      const now = deps.now()
      const isNewest = session.tokenHash.equals(token.hash)
      switch (decideRefresh({ ...token, isNewest }, session.family, now)) {
        case 'rotate': {
          const rotation = { from: token, to: successor, expiresAt: refreshTokenExpiry(now) }
          if (await rotateSession(deps.db, rotation, now))
            return signedIn(deps.sign, session.account, successor, now)
          // Claimed by another meanwhile: look again at what the token is now. It can't be the newest twice.
          return exchange()
        }
        case 'repeat':
          return signedIn(deps.sign, session.account, successor, now)
        case 'revoke':
          await revokeSession(deps.db, token.sessionId, now)
          deps.log.warn(
            { sessionId: token.sessionId, userId: session.account.id },
            'a refresh token was used again: its session is ended',
          )
          throw new Rejection('refresh-token-reused')
        case 'refuse':
          throw new Rejection('invalid-refresh-token')
      }
    }
    return exchange()
  }
