/**
 * Why chat refuses a well-formed request. Stable: clients switch on these (`code` of the problem document).
 * - `room-not-found`: there is no such room, or it is private and the caller is not in it; says never which
 * - `not-a-member`: the caller may see the room, but this needs membership
 * - `not-owner`: only the room's owner may do this
 * - `message-not-found`: the room has no such message
 * - `owner-cannot-leave`: a room always has its owner
 */
export type RejectionCode =
  'room-not-found' | 'not-a-member' | 'not-owner' | 'message-not-found' | 'owner-cannot-leave'

/** A refusal that the caller brought about. Thrown by commands and queries, made a problem document by routes.ts. */
export class Rejection extends Error {
  readonly code: RejectionCode

  constructor(code: RejectionCode) {
    super(code)
    this.name = 'Rejection'
    this.code = code
  }
}
