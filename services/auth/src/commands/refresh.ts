import { findSession, rotateSession, type StoredSession } from '../adapters/session-store.ts'
import { overStreams } from '../adapters/streams.ts'
import { decideRefresh } from '../domain/refresh.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type Caller } from './deps.ts'
import { actingAs, endSession, refreshTokenExpiry, type SignedIn, signedIn } from './session.ts'

/**
 * Exchanges a refresh token for its successor and a new access token. That is no event: where in its line a family
 * stands is a credential, as a password's hash is, and changes with every ten minutes of every session. Rejects Rejection
 * `invalid-refresh-token`, `refresh-token-reused`.
 */
export const refreshSession =
  (deps: Pick<AuthDeps, 'db' | 'streams' | 'personal' | 'refreshTokens' | 'sign' | 'now' | 'log'>) =>
  async (text: string, caller: Caller): Promise<SignedIn> => {
    const token = deps.refreshTokens.parse(text)
    if (!token) throw new Rejection('invalid-refresh-token')
    const { sessionId } = token
    const successor = deps.refreshTokens.successor(token)

    const endReused = async ({ account: { id: userId } }: StoredSession, at: Date): Promise<void> => {
      const metadata = await actingAs(deps, userId, caller)
      const command = { sessionId, userId, reason: 'token-reused', at } as const
      await overStreams(deps.db, (trx) => endSession(trx, deps.streams, command, metadata))
      deps.log.warn({ sessionId, userId }, 'a refresh token was used again: its session is ended')
    }

    const exchange = async (): Promise<SignedIn> => {
      const session = await findSession(deps.db, sessionId)
      if (!session) throw new Rejection('invalid-refresh-token')
      const now = deps.now()
      const isNewest = session.tokenHash.equals(token.hash)
      switch (decideRefresh({ ...token, isNewest }, session.family, now)) {
        case 'rotate': {
          const rotation = { from: token, to: successor, expiresAt: refreshTokenExpiry(now) }
          if (await rotateSession(deps.db, rotation, now))
            return signedIn(deps, session.account, successor, now, session.startedAt)
          // Claimed by another meanwhile: look again at what the token is now. It can't be the newest twice.
          return exchange()
        }
        case 'repeat':
          return signedIn(deps, session.account, successor, now, session.startedAt)
        case 'revoke':
          await endReused(session, now)
          throw new Rejection('refresh-token-reused')
        case 'refuse':
          throw new Rejection('invalid-refresh-token')
      }
    }
    return exchange()
  }
