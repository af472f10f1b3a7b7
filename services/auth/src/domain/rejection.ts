/**
 * Why auth refuses a well-formed request. Stable: clients switch on these (`code` of the problem document).
 * - `email-taken`: an account has this address already
 * - `invalid-credentials`: no account has this address and password; says never which of the two is wrong
 * - `invalid-refresh-token`: never issued, expired, or its session was ended
 * - `refresh-token-reused`: it was exchanged before and its grace is over; the session has been ended
 * - `invalid-token`: of a letter: never issued, of another kind, expired, or used
 * - `password-guessable`: it stands in the lists of leaked passwords, or is derived from one or from the person's data
 * - `session-ended`: the access token is good, but its session was ended
 * - `no-such-session`, `no-such-account`
 * - `no-such-dead-letter`: never laid there, or gone with its topic's retention
 * - `already-redriven`: the dead letter was written to its topic before; if it failed again, it lies there as another one
 * - `oidc-unknown`: no sign-in with the provider is under way under this handle: never begun, expired, or finished
 * - `oidc-refused`: the provider did not confirm who the person is
 * - `oidc-email-unverified`: the provider does not vouch for the e-mail address
 */
export type RejectionCode =
  | 'email-taken'
  | 'invalid-credentials'
  | 'invalid-refresh-token'
  | 'refresh-token-reused'
  | 'invalid-token'
  | 'password-guessable'
  | 'session-ended'
  | 'no-such-session'
  | 'no-such-account'
  | 'no-such-dead-letter'
  | 'already-redriven'
  | 'oidc-unknown'
  | 'oidc-refused'
  | 'oidc-email-unverified'

/** A refusal that the caller brought about. Thrown by commands, made a problem document by routes. */
export class Rejection extends Error {
  readonly code: RejectionCode

  constructor(code: RejectionCode, options?: ErrorOptions) {
    super(code, options)
    this.name = 'Rejection'
    this.code = code
  }
}
