/**
 * Why streams refuses a well-formed request. Stable: clients switch on these (`code` of the problem document).
 * - `track-not-found`: there is no such track, or the caller may not know of it
 * - `track-not-ready`: there is nothing to hear yet
 * - `session-invalid`: the session is not the caller's, or was not given by us
 * - `session-expired`: ask for another playback
 * - `room-not-found`: there is no such room, or the caller is not in it
 */
export type RejectionCode =
  'track-not-found' | 'track-not-ready' | 'session-invalid' | 'session-expired' | 'room-not-found'

/** A refusal that the caller brought about. Thrown by commands and queries, made a problem document by the routes. */
export class Rejection extends Error {
  readonly code: RejectionCode

  constructor(code: RejectionCode) {
    super(code)
    this.name = 'Rejection'
    this.code = code
  }
}
