import { bearer, type CallerMiddleware } from '@veza/kit/http'
import { type TokenVerifier } from '@veza/kit/tokens'
import { activeSession } from './caller.ts'

/** What stands before a route that is for people with an account. */
export type SignedInMiddleware = [ReturnType<typeof bearer>, ReturnType<typeof bearer>]

/** The same before routes whose writes get their first answer when they come again. */
export type OnceMiddleware = [...SignedInMiddleware, CallerMiddleware[1]]

/** A valid access token, of a session that goes on. */
export const signedInOnly = (
  verifier: TokenVerifier,
  isActive: Parameters<typeof activeSession>[0],
): SignedInMiddleware => [bearer(verifier), activeSession(isActive)]
