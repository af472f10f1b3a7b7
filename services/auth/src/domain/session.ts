import { type Sealed } from './account.ts'

/** How somebody proved who they are. */
export type SignInMethod = 'registration' | 'password' | 'oidc'

/**
 * - `signed-out`: by whoever holds a token of it
 * - `revoked`: from another session of the person
 * - `token-reused`: two parties held one refresh token
 */
export type RevocationReason =
  'signed-out' | 'revoked' | 'token-reused' | 'password-changed' | 'account-erased'

/** What happened to a session. */
export type SessionEvent = { readonly sessionId: string; readonly userId: string; readonly at: Date } & (
  | {
      readonly type: 'started'
      readonly method: SignInMethod
      readonly address: Sealed | null
      readonly client: Sealed | null
    }
  | { readonly type: 'revoked'; readonly reason: RevocationReason }
)

/** Whether a session goes on. Expiry is no event: nobody is there to see it. */
export type Session = 'none' | 'active' | 'revoked'

/** Pure: the state after an event. */
export const evolveSession = (_session: Session, event: SessionEvent): Session =>
  event.type === 'started' ? 'active' : 'revoked'

/** Pure: ending a session that has ended is no event. */
export const decideRevocation = (
  command: { sessionId: string; userId: string; reason: RevocationReason; at: Date },
  session: Session,
): SessionEvent[] => (session === 'active' ? [{ type: 'revoked', ...command }] : [])
