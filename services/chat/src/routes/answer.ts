import { ProduceFailed, QueueFull } from '@veza/kit/kafka'
import { Problem } from '@veza/kit/http'
import { Rejection, type RejectionCode } from '../domain/rejection.ts'

const problems: Record<RejectionCode, { status: 403 | 404 | 409 | 410; detail: string }> = {
  'room-not-found': { status: 404, detail: 'There is no such room, or it is private and you are not in it' },
  'not-a-member': { status: 403, detail: 'Join the room first' },
  'not-owner': { status: 403, detail: "Only the room's owner may do this" },
  'not-moderator': { status: 403, detail: "Only the room's moderators and its owner may do this" },
  outranked: { status: 403, detail: 'Moderators act on members only, and nobody acts on the owner' },
  'member-not-found': { status: 404, detail: 'That person is not in the room' },
  'message-not-found': { status: 404, detail: 'The room has no such message' },
  'user-erased': { status: 410, detail: 'The data of that person was erased' },
  banned: { status: 403, detail: 'That person is banned from the room' },
  'room-archived': { status: 409, detail: 'The room is archived' },
  'direct-room': { status: 409, detail: 'A direct room has two people, for good' },
  'owner-cannot-leave': { status: 409, detail: 'A room always has its owner' },
}

const retryAfterSeconds = '2'

/** A record that can never be sent is our fault; anything else of Kafka's may be over in a moment. */
const isKafkaAway = (error: unknown): boolean =>
  error instanceof QueueFull ||
  (error instanceof ProduceFailed && error.code !== 'too-large' && error.code !== 'rejected')

const toProblem = (error: unknown): unknown => {
  if (error instanceof Rejection) {
    const { status, detail } = problems[error.code]
    return new Problem(status, error.code, detail)
  }
  if (isKafkaAway(error))
    return new Problem(503, 'unavailable', 'Try again in a moment, with the same clientMessageId', {
      cause: error,
      headers: { 'retry-after': retryAfterSeconds },
    })
  return error
}

/** Waits for a command or query; its refusals become problems. The only place where that is done. */
export const answer = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    throw toProblem(error)
  }
}
