import { Problem } from '@veza/kit/http'
import { RefusedAudio } from '@veza/kit/media'
import { Rejection, type RejectionCode } from '../domain/rejection.ts'

const problems: Record<RejectionCode, { status: 400 | 403 | 404 | 409 | 410 | 413 | 429; detail: string }> = {
  'track-not-found': { status: 404, detail: 'There is no such track, or it is private' },
  'not-owner': { status: 403, detail: "Only the track's owner may do this" },
  'not-moderator': { status: 403, detail: 'Only moderators may do this' },
  'already-public': { status: 409, detail: 'The track is public already' },
  'publish-time': { status: 400, detail: 'publishAt takes a time to come, within a year' },
  'playlist-not-found': { status: 404, detail: 'There is no such playlist, or it is private' },
  'playlist-full': { status: 409, detail: 'The playlist has as many tracks as it can have' },
  'track-not-ready': { status: 409, detail: 'There is no stream of this track yet' },
  'upload-not-found': { status: 404, detail: 'There is no such upload of yours' },
  'upload-too-large': { status: 413, detail: 'The file is larger than is allowed' },
  'quota-exceeded': { status: 413, detail: 'There is no room left for this file in what you may store' },
  'too-many-uploads': { status: 429, detail: 'Finish or end one of your open uploads first' },
  'user-erased': { status: 410, detail: 'Your data was erased' },
  'picture-invalid': {
    status: 400,
    detail: 'The picture must be a PNG, JPEG or WebP of at most 24 megapixels',
  },
  'visibility-unknown': {
    status: 400,
    detail: 'The metadata `visibility` is public, followers, unlisted or private',
  },
  'length-required': { status: 400, detail: 'Say with Upload-Length how long the file is' },
}

const isFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

/** What an error means to a client; one that means nothing to it is returned as it is. */
export const asProblem = (error: unknown): unknown => {
  if (error instanceof Rejection) {
    const { status, detail } = problems[error.code]
    return new Problem(status, error.code, detail)
  }
  if (error instanceof RefusedAudio) return new Problem(422, error.code, error.message)
  if (isFull(error))
    return new Problem(507, 'disk-full', 'There is no room for it here at the moment: go on later', {
      cause: error,
      headers: { 'retry-after': '60' },
    })
  return error
}

/** Waits for a command or query; its refusals become problems. */
export const answer = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    throw asProblem(error)
  }
}
