import { type RoomEvent } from '../live/publications.ts'
import { type Message } from './room-log.ts'

/** What was said of a place in a track. */
export interface Comment {
  readonly messageId: string
  readonly senderId: string
  readonly body: string
  /** Milliseconds from the track's beginning. */
  readonly atMs: number
}

/** So long a comment is shown once its place has come. */
const shownMs = 6_000

/** undefined: the message is about no place in this track, or it was deleted. */
export const commentOf = (
  message: Pick<Message, 'messageId' | 'senderId' | 'body' | 'trackId' | 'trackPositionMs' | 'deletedAt'>,
  trackId: string,
): Comment | undefined => {
  const { messageId, senderId, body, trackPositionMs: atMs } = message
  return message.trackId !== trackId || atMs === undefined || message.deletedAt !== undefined
    ? undefined
    : { messageId, senderId, body, atMs }
}

/** Comments after an event of their room; one that is among them already changes nothing. */
export const evolveComments = (
  comments: readonly Comment[],
  event: RoomEvent,
  trackId: string,
): readonly Comment[] => {
  const at = comments.findIndex(({ messageId }) => messageId === event.messageId)
  const known = comments[at]
  if (event.type === 'message.posted') {
    const comment = known === undefined ? commentOf(event, trackId) : undefined
    return comment === undefined ? comments : [...comments, comment]
  }
  if (known === undefined) return comments
  if (event.type === 'message.edited') return comments.with(at, { ...known, body: event.body })
  return event.type === 'message.deleted' ? comments.toSpliced(at, 1) : comments
}

/** The one whose place has just come: of several the last, and of those at one place the newest. */
export const dueComment = (comments: readonly Comment[], nowMs: number): Comment | undefined => {
  let due: Comment | undefined
  for (const comment of comments)
    if (
      comment.atMs <= nowMs &&
      nowMs - comment.atMs < shownMs &&
      (due === undefined || comment.atMs > due.atMs)
    )
      due = comment
  return due
}
