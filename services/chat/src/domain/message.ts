import { type ChatCommand } from '@veza/contracts'
import { type MessageEvent, type Outcome, type RefusalCode, type Refused } from './event.ts'
import { type Policy } from './policy.ts'
import { type Role } from './room.ts'

/** A command as it was read from the topic, named by its outcome's id (`outcomeIdOf`). */
export interface Command {
  readonly eventId: string
  readonly roomId: string
  readonly senderId: string
  readonly clientMessageId: string
  /** What it asks; or, where that is settled without a look at the room, why it is refused. */
  readonly content: ChatCommand | { readonly code: RefusalCode }
  /** The sender is forgotten: what is theirs goes, whatever the room says and whether or not they are in it. */
  readonly isErasure?: boolean
}

/** How far a room's numbering has come. */
export interface RoomHead {
  readonly epoch: string
  /** Of the room's last event, 0 = none yet. */
  readonly offset: number
  /** Posts so far. */
  readonly messageNumber: number
}

/** What is known of a command's sender in its room. */
export interface Member {
  /** null = not a member, and banned. */
  readonly role: Role | null
  readonly mutedUntil: Date | null
  /** Kept in rooms with slow mode only. */
  readonly lastPostedAt: Date | null
}

/** A message as it stands after its events. */
export interface MessageState {
  readonly messageId: string
  readonly roomId: string
  readonly senderId: string
  readonly messageNumber: number
  readonly threadId: string | null
  readonly mentions: readonly string[]
  /** The text that replaced the posted one. */
  readonly edit: { readonly body: string; readonly at: Date } | null
  readonly deletedAt: Date | null
}

/** What one reaction to a message stands at, for the sender of one command. */
export interface ReactionState {
  readonly count: number
  readonly isMine: boolean
  /** Different reactions to the message. */
  readonly kinds: number
}

/** What a command is decided on. undefined: there is none such. */
export interface Situation {
  readonly head: RoomHead | undefined
  readonly member: Member | undefined
  readonly policy: Policy
  /** The message that it is about, or answers. Perhaps another room's. */
  readonly target: MessageState | undefined
  readonly reaction: ReactionState | undefined
}

/** Different reactions that a message may have. */
export const maxReactionKinds = 40

/** The id of the message that a command needs to know. */
export const targetOf = ({ content }: Command): string | undefined => {
  if ('code' in content) return undefined
  return content.type === 'message.post' ? (content.replyTo ?? undefined) : content.messageId
}

const isModerator = ({ role }: Member): boolean => role === 'owner' || role === 'moderator'

/** Whether the room lets the sender do this now. Deleting is always theirs, but for an archived room. */
const restraintOf = (
  command: ChatCommand,
  member: Member,
  policy: Policy,
  at: Date,
): RefusalCode | undefined => {
  if (member.role === null) return 'banned'
  if (policy.archived) return 'room-archived'
  if (command.type === 'message.delete') return undefined
  if (member.mutedUntil !== null && member.mutedUntil > at) return 'muted'
  if ('body' in command && policy.blocks(command.body)) return 'blocked-word'
  if (command.type !== 'message.post' || policy.slowModeSeconds === 0 || isModerator(member)) return undefined
  const elapsed = member.lastPostedAt === null ? Infinity : at.getTime() - member.lastPostedAt.getTime()
  return elapsed < policy.slowModeSeconds * 1000 ? 'slow-mode' : undefined
}

const refusalOf = (
  command: ChatCommand,
  roomId: string,
  senderId: string,
  { member, target, reaction }: Situation,
): RefusalCode | undefined => {
  if (command.type === 'message.post' && command.replyTo === null) return undefined
  if (target?.roomId !== roomId) return 'message-not-found'
  if (target.deletedAt !== null) return 'message-deleted'
  switch (command.type) {
    case 'message.post':
      return undefined
    case 'message.edit':
      return target.senderId === senderId ? undefined : 'not-author'
    case 'message.delete':
      return target.senderId === senderId || (member !== undefined && isModerator(member))
        ? undefined
        : 'not-author'
    case 'reaction.add':
      if (reaction?.isMine === true) return 'already-reacted'
      return reaction?.count === 0 && reaction.kinds >= maxReactionKinds ? 'too-many-reactions' : undefined
    case 'reaction.remove':
      return reaction?.isMine === true ? undefined : 'not-reacted'
    default:
      return command satisfies never
  }
}

/** Pure: the outcome of a command that has none yet. */
export const decide = (
  { eventId, roomId, senderId, clientMessageId, content: command, isErasure = false }: Command,
  situation: Situation,
  at: Date,
): Outcome => {
  const sent = { eventId, roomId, senderId, clientMessageId, at }
  const refuse = (code: RefusalCode): Refused => ({ type: 'refused', ...sent, code })
  const { head, member, target, reaction } = situation

  if ('code' in command) return refuse(command.code)
  if (head === undefined) return refuse('room-not-found')
  if (member === undefined && !isErasure) return refuse('not-a-member')
  const restraint =
    member === undefined || isErasure ? undefined : restraintOf(command, member, situation.policy, at)
  const code = restraint ?? refusalOf(command, roomId, senderId, situation)
  if (code !== undefined) return refuse(code)

  const placed = { ...sent, epoch: head.epoch, offset: head.offset + 1 }
  switch (command.type) {
    case 'message.post': {
      const { body, replyTo, mentions, trackId, trackPositionMs } = command
      const threadId = replyTo === null ? null : (target?.threadId ?? replyTo)
      const messageNumber = head.messageNumber + 1
      const said = { body, replyTo, threadId, mentions, trackId, trackPositionMs }
      return { type: 'posted', ...placed, messageNumber, ...said }
    }
    case 'message.edit': {
      const { messageId, body, mentions } = command
      return { type: 'edited', ...placed, messageId, body, mentions }
    }
    case 'message.delete':
      return { type: 'deleted', ...placed, messageId: command.messageId }
    case 'reaction.add':
    case 'reaction.remove': {
      const added = command.type === 'reaction.add'
      const count = (reaction?.count ?? 0) + (added ? 1 : -1)
      const { messageId, reaction: symbol } = command
      const type = added ? 'reaction-added' : 'reaction-removed'
      return { type, ...placed, messageId, reaction: symbol, count }
    }
    default:
      return command satisfies never
  }
}

export const evolveHead = (head: RoomHead, event: MessageEvent): RoomHead => ({
  epoch: head.epoch,
  offset: event.offset,
  messageNumber: event.type === 'posted' ? event.messageNumber : head.messageNumber,
})

/** What its post makes of a message. */
export const posted = (event: Extract<MessageEvent, { type: 'posted' }>): MessageState => ({
  messageId: event.eventId,
  roomId: event.roomId,
  senderId: event.senderId,
  messageNumber: event.messageNumber,
  threadId: event.threadId,
  mentions: event.mentions,
  edit: null,
  deletedAt: null,
})

/** What an event makes of the message that it is about. */
export const evolve = (message: MessageState, event: MessageEvent): MessageState => {
  switch (event.type) {
    case 'edited':
      return { ...message, edit: { body: event.body, at: event.at }, mentions: event.mentions }
    case 'deleted':
      return { ...message, edit: null, mentions: [], deletedAt: event.at }
    case 'posted':
    case 'reaction-added':
    case 'reaction-removed':
      return message
    default:
      return event satisfies never
  }
}
