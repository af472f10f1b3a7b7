/**
 * A refresh family: one sign-in, and the line of refresh tokens that descends from it. It never branches: a
 * token's successor is a function of the token (see adapters/refresh-tokens.ts), so the family is told in full by its
 * newest generation.
 */
export interface RefreshFamily {
  /** 0 is the token that signing in gave. */
  readonly generation: number
  /** When the newest token was issued. */
  readonly rotatedAt: Date
  /** After this the newest token is refused. */
  readonly expiresAt: Date
  readonly revokedAt: Date | null
}

/** What a presented token is to its family. */
export interface PresentedToken {
  readonly generation: number
  /** Its hash is the family's newest. */
  readonly isNewest: boolean
  /** It bears our authentication tag: it was issued by us and not guessed from a session id. */
  readonly isGenuine: boolean
}

/**
 * - `rotate`: issue its successor
 * - `repeat`: it was exchanged a moment ago (two tabs, a lost answer): give the same successor again
 * - `revoke`: it was exchanged before, so two parties hold it: end the family
 * - `refuse`: it is worth nothing, and proves nothing
 */
export type RefreshDecision = 'rotate' | 'repeat' | 'revoke' | 'refuse'

/**
 * How long the token before the newest may be presented again. Strict detection signs real users out whenever an
 * answer is lost; the successor given again is the same one, so a thief gains no line of their own by it.
 */
export const reuseGraceMs = 30_000

/** Pure: what presenting a token to its family comes to. */
export const decideRefresh = (token: PresentedToken, family: RefreshFamily, now: Date): RefreshDecision => {
  if (family.revokedAt !== null || family.expiresAt <= now) return 'refuse'
  if (token.isNewest) return 'rotate'
  // A generation that is yet to come was issued before a restore from backup. That is no theft.
  if (!token.isGenuine || token.generation >= family.generation) return 'refuse'
  const inGrace = now.getTime() - family.rotatedAt.getTime() <= reuseGraceMs
  return inGrace && token.generation === family.generation - 1 ? 'repeat' : 'revoke'
}
