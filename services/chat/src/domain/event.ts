import { type CommandProblem } from '@veza/contracts'

/** What every event of a room has: its place, and the command that it is the outcome of. */
interface Placed {
  /** Of the command's one outcome (`outcomeIdOf`). */
  readonly eventId: string
  readonly roomId: string
  readonly epoch: string
  readonly offset: number
  readonly senderId: string
  readonly clientMessageId: string
  readonly at: Date
}

/** The event's id is the message's. */
export interface Posted extends Placed {
  readonly type: 'posted'
  readonly messageNumber: number
  /** Empty once the message is deleted. */
  readonly body: string
  readonly replyTo: string | null
  /** First message of the thread that a reply is in. */
  readonly threadId: string | null
  readonly mentions: readonly string[]
  readonly trackId: string | null
  /** Place in that track, milliseconds. */
  readonly trackPositionMs: number | null
}

export interface Edited extends Placed {
  readonly type: 'edited'
  readonly messageId: string
  readonly body: string
  readonly mentions: readonly string[]
}

export interface Deleted extends Placed {
  readonly type: 'deleted'
  readonly messageId: string
}

export interface Reacted extends Placed {
  readonly type: 'reaction-added' | 'reaction-removed'
  readonly messageId: string
  readonly reaction: string
  /** People who have this reaction to the message after it. */
  readonly count: number
}

export type MessageEvent = Posted | Edited | Deleted | Reacted

/**
 * Why a command is refused. Stable: clients switch on these.
 * - a `CommandProblem`: the command is none; an edge let it through
 * - `room-not-found`, `not-a-member`: as the edges say it, for a sender whose membership ended on the way
 * - `message-not-found`: the room has no such message
 * - `message-deleted`: it was deleted before
 * - `not-author`: only who wrote it may edit it; moderators may delete it
 * - `already-reacted`, `not-reacted`: the reaction is as the command wants it
 * - `too-many-reactions`: the message has all the different reactions that one may have
 * - `banned`: the sender is shut out of the room
 * - `muted`: a moderator has the sender wait
 * - `slow-mode`: the sender posted a moment ago, and the room asks for more time between
 * - `room-archived`: nothing can be posted in it any more
 * - `blocked-word`: the text holds a word that the room, or Veza, does not let through
 * - `internal`: Veza could not process it; the command is kept for its operators
 */
export type RefusalCode =
  | CommandProblem
  | 'room-not-found'
  | 'not-a-member'
  | 'message-not-found'
  | 'message-deleted'
  | 'not-author'
  | 'already-reacted'
  | 'not-reacted'
  | 'too-many-reactions'
  | 'banned'
  | 'muted'
  | 'slow-mode'
  | 'room-archived'
  | 'blocked-word'
  | 'internal'

export interface Refused {
  readonly type: 'refused'
  readonly eventId: string
  readonly roomId: string
  readonly senderId: string
  readonly clientMessageId: string
  readonly code: RefusalCode
  readonly at: Date
}

/** What becomes of a command: one of these, once. */
export type Outcome = MessageEvent | Refused
