import { type MessageEvent, type Outcome, type Refused } from './event.ts'
import {
  type Command,
  decide,
  evolve,
  evolveHead,
  type Member,
  type MessageState,
  posted,
  type RoomHead,
  targetOf,
} from './message.ts'
import { type Policy } from './policy.ts'
import { type ReactionChange, type Reactions, trackReactions } from './reactions.ts'

/** What is stored about the rooms, senders, messages and commands of a chunk. */
export interface StoredState {
  /** By room id. */
  readonly heads: ReadonlyMap<string, RoomHead>
  readonly memberOf: (roomId: string, userId: string) => Member | undefined
  readonly policyOf: (roomId: string) => Policy
  /** By outcome id. */
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** The messages that commands are about or answer, by id. */
  readonly messages: ReadonlyMap<string, MessageState>
  readonly reactions: Reactions
}

export interface Settlement {
  /** One a command, in their order; the same object for the same command. */
  readonly outcomes: Outcome[]
  readonly events: MessageEvent[]
  readonly refused: Refused[]
  /** New heads of the rooms that grew. */
  readonly heads: Map<string, RoomHead>
  /** Messages that were edited or deleted. */
  readonly changed: Map<string, MessageState>
  /** New replies by thread. */
  readonly replies: Map<string, number>
  readonly reactions: readonly ReactionChange[]
  /** Who posted in rooms with slow mode. */
  readonly slowed: readonly { readonly roomId: string; readonly userId: string }[]
}

/** Pure: decides a chunk in order. A command that is stored, or came earlier in the chunk, keeps its outcome. */
export const settle = (commands: readonly Command[], stored: StoredState, now: Date): Settlement => {
  const decided = new Map<string, Outcome>()
  const heads = new Map<string, RoomHead>()
  const messages = new Map<string, MessageState>()
  const changed = new Map<string, MessageState>()
  const replies = new Map<string, number>()
  const reactions = trackReactions(stored.reactions)
  const slowed = new Map<string, { roomId: string; userId: string }>()
  const events: MessageEvent[] = []
  const refused: Refused[] = []

  const messageOf = (id: string | undefined) =>
    id === undefined ? undefined : (messages.get(id) ?? stored.messages.get(id))

  const apply = (event: MessageEvent) => {
    if (event.type === 'posted') {
      messages.set(event.eventId, posted(event))
      if (event.threadId !== null) replies.set(event.threadId, (replies.get(event.threadId) ?? 0) + 1)
      return
    }
    reactions.apply(event)
    const message = messageOf(event.messageId)
    const next = message && evolve(message, event)
    if (next === undefined || next === message) return
    messages.set(next.messageId, next)
    changed.set(next.messageId, next)
  }

  const memberOf = (roomId: string, userId: string): Member | undefined => {
    const member = stored.memberOf(roomId, userId)
    return member !== undefined && slowed.has(roomId + userId) ? { ...member, lastPostedAt: now } : member
  }

  const decideNew = (command: Command): Outcome => {
    const { roomId, senderId } = command
    const head = heads.get(roomId) ?? stored.heads.get(roomId)
    const policy = stored.policyOf(roomId)
    const situation = {
      head,
      policy,
      member: memberOf(roomId, senderId),
      target: messageOf(targetOf(command)),
      reaction: reactions.of(command),
    }
    const outcome = decide(command, situation, now)
    if (outcome.type === 'refused') refused.push(outcome)
    else {
      events.push(outcome)
      if (head !== undefined) heads.set(roomId, evolveHead(head, outcome))
      if (policy.slowModeSeconds > 0 && outcome.type === 'posted')
        slowed.set(roomId + senderId, { roomId, userId: senderId })
      apply(outcome)
    }
    return outcome
  }

  const outcomes = commands.map((command) => {
    const outcome = stored.outcomes.get(command.eventId) ?? decided.get(command.eventId) ?? decideNew(command)
    decided.set(command.eventId, outcome)
    return outcome
  })
  return {
    outcomes,
    events,
    refused,
    heads,
    changed,
    replies,
    reactions: reactions.changes(),
    slowed: [...slowed.values()],
  }
}
