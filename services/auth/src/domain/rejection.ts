/**
 * Why auth refuses a well-formed request. Stable: clients switch on these (`code` of the problem document).
 * - `email-taken`: an account has this address already
 * - `invalid-credentials`: no account has this address and password; says never which of the two is wrong
 * - `invalid-refresh-token`: never issued, expired, or its session was ended
 * - `refresh-token-reused`: it was exchanged before and its grace is over; the session has been ended
 */
export type RejectionCode =
  'email-taken' | 'invalid-credentials' | 'invalid-refresh-token' | 'refresh-token-reused'

/** A refusal that the caller brought about. Thrown by commands, made a problem document by routes.ts. */
export class Rejection extends Error {
  readonly code: RejectionCode

  constructor(code: RejectionCode) {
    super(code)
    this.name = 'Rejection'
    this.code = code
  }
}
