/**
 * Why users refuses a well-formed request. Stable: clients switch on these (`code` of the problem document).
 * - `user-not-found`: there is no such person, they are erased, or one of the two blocked the other; says never which
 * - `user-erased`: the caller's own data was erased; what is left is a token that has not run out yet
 * - `handle-taken`: somebody else has this handle
 * - `not-yourself`: nobody follows or blocks themselves
 * - `no-follow-request`: there is no request of this person to be answered
 * - `follows-hidden`: this person shows to nobody, or to followers only, whom they follow
 * - `erasure-pending`: the caller asked to be erased; until that is taken back nothing is changed
 * - `no-erasure-pending`: there is nothing to be taken back
 * - `sign-in-again`: the sign-in of this session is too long ago for what is asked
 * - `picture-invalid`: the bytes are no picture that can be read
 * - `export-not-found`: the caller has no such export, or it has expired
 * - `export-not-ready`: the export is still being gathered
 * - `too-many-exports`: one was asked for a moment ago
 */
export type RejectionCode =
  | 'user-not-found'
  | 'user-erased'
  | 'handle-taken'
  | 'not-yourself'
  | 'no-follow-request'
  | 'follows-hidden'
  | 'erasure-pending'
  | 'no-erasure-pending'
  | 'sign-in-again'
  | 'picture-invalid'
  | 'export-not-found'
  | 'export-not-ready'
  | 'too-many-exports'

/** A refusal that the caller brought about. Thrown by commands and queries, made a problem document by routes. */
export class Rejection extends Error {
  override readonly name = 'Rejection'
  readonly code: RejectionCode

  constructor(code: RejectionCode) {
    super(code)
    this.code = code
  }
}
