/**
 * Why tracks refuses a well-formed request. Stable: clients switch on these (`code` of the problem document).
 * - `track-not-found`: there is no such track, or the caller may not know of it; says never which
 * - `not-owner`: only the track's owner may do this
 * - `not-moderator`: only moderators may do this
 * - `already-public`, `publish-time`: there is nothing to wait for; the time is past, or too far ahead
 * - `playlist-not-found`, `playlist-full`: as for tracks; it has as many tracks as one may have
 * - `track-not-ready`: its stream is not made yet, or could not be
 * - `upload-not-found`: there is no such upload of the caller's
 * - `upload-too-large`, `quota-exceeded`, `too-many-uploads`: limits of one file, of a person, of what is open at once
 * - `user-erased`: the caller was forgotten, though their access token has some minutes left
 * - `picture-invalid`: its picture is no PNG, JPEG or WebP of at most 24 megapixels
 * - `length-required`, `visibility-unknown`: the upload must say how long it is; its `visibility` is none
 */
export type RejectionCode =
  | 'track-not-found'
  | 'not-owner'
  | 'not-moderator'
  | 'already-public'
  | 'publish-time'
  | 'playlist-not-found'
  | 'playlist-full'
  | 'track-not-ready'
  | 'upload-not-found'
  | 'upload-too-large'
  | 'quota-exceeded'
  | 'too-many-uploads'
  | 'user-erased'
  | 'picture-invalid'
  | 'length-required'
  | 'visibility-unknown'

/** A refusal that the caller brought about. Thrown by commands and queries, made a problem document by routes/answer.ts. */
export class Rejection extends Error {
  readonly code: RejectionCode

  constructor(code: RejectionCode) {
    super(code)
    this.name = 'Rejection'
    this.code = code
  }
}
