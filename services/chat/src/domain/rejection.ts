/**
 * Why chat refuses a well-formed request. Stable: clients switch on these (`code` of the problem document).
 * - `room-not-found`: there is no such room, or it is private and the caller is not in it; says never which
 * - `not-a-member`: the caller may see the room, but this needs membership
 * - `not-owner`, `not-moderator`: this needs that role, or a higher one
 * - `outranked`: moderators act on members only, and nobody acts on the owner
 * - `member-not-found`: the person that it is about is not in the room
 * - `message-not-found`: the room has no such message
 * - `user-erased`: the person that it is about was forgotten; perhaps the caller, whose access token has some minutes left
 * - `banned`: the person is shut out of the room
 * - `room-archived`: nothing changes in it any more
 * - `direct-room`: a direct room has two people, for good, and no roles
 * - `owner-cannot-leave`: a room always has its owner
 */
export type RejectionCode =
  | 'room-not-found'
  | 'not-a-member'
  | 'not-owner'
  | 'not-moderator'
  | 'outranked'
  | 'member-not-found'
  | 'message-not-found'
  | 'user-erased'
  | 'banned'
  | 'room-archived'
  | 'direct-room'
  | 'owner-cannot-leave'

/** A refusal that the caller brought about. Thrown by commands and queries, made a problem document by routes.ts. */
export class Rejection extends Error {
  readonly code: RejectionCode

  constructor(code: RejectionCode) {
    super(code)
    this.name = 'Rejection'
    this.code = code
  }
}
