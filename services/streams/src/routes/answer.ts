import { Problem } from '@veza/kit/http'
import { ProduceFailed, QueueFull } from '@veza/kit/kafka'
import { isUnavailable } from '@veza/kit/postgres'
import { ChatUnavailable } from '../adapters/chat-api.ts'
import { TracksUnavailable } from '../adapters/tracks-api.ts'
import { Rejection, type RejectionCode } from '../domain/rejection.ts'

const problems: Record<RejectionCode, { status: 403 | 404 | 409 | 410; detail: string }> = {
  'track-not-found': { status: 404, detail: 'There is no such track, or it is private' },
  'track-not-ready': { status: 409, detail: 'There is nothing to hear of this track yet' },
  'session-invalid': { status: 403, detail: 'This is no session of yours' },
  'room-not-found': { status: 404, detail: 'There is no such room, or you are not in it' },
  'session-expired': { status: 410, detail: 'The session has expired: ask for another playback' },
}

const isAway = (error: unknown): boolean =>
  error instanceof TracksUnavailable ||
  error instanceof ChatUnavailable ||
  isUnavailable(error) ||
  error instanceof QueueFull ||
  (error instanceof ProduceFailed && error.code !== 'too-large' && error.code !== 'rejected')

/** Waits for a command or query; its refusals become problems. The only place where that is done. */
export const answer = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof Rejection) {
      const { status, detail } = problems[error.code]
      throw new Problem(status, error.code, detail)
    }
    if (!isAway(error)) throw error
    throw new Problem(503, 'unavailable', 'Try again in a moment', {
      cause: error,
      headers: { 'retry-after': '2' },
    })
  }
}
