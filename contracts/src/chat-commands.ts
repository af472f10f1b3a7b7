import { type Records } from './generated/records.ts'
import {
  isLongerThan,
  isUnstorable,
  limits,
  checkPost,
  checkClientMessageId,
  type PostProblem,
} from './limits.ts'
import { type RecordOf, type topics } from './topics.ts'

/** What a member asks of a room, as clients write it: published on `room:<id>`, or by the HTTP route of the same name. */
export type ChatCommand =
  | {
      readonly type: 'message.post'
      readonly clientMessageId: string
      readonly body: string
      /** Message of the same room that this one answers. */
      readonly replyTo: string | null
      readonly mentions: readonly string[]
      readonly trackId: string | null
      /** Place in that track that the message is about, milliseconds. */
      readonly trackPositionMs: number | null
    }
  | {
      readonly type: 'message.edit'
      readonly clientMessageId: string
      readonly messageId: string
      readonly body: string
      readonly mentions: readonly string[]
    }
  | { readonly type: 'message.delete'; readonly clientMessageId: string; readonly messageId: string }
  | {
      readonly type: 'reaction.add' | 'reaction.remove'
      readonly clientMessageId: string
      readonly messageId: string
      readonly reaction: string
    }

export type CommandProblem =
  | PostProblem
  | 'unknown-type'
  | 'invalid-message-id'
  | 'invalid-reply-to'
  | 'invalid-mentions'
  | 'invalid-track-id'
  | 'invalid-track-position'
  | 'invalid-reaction'

type Fields = Readonly<Record<string, unknown>>

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const isId = (value: unknown): value is string => typeof value === 'string' && uuid.test(value)

const nobody: readonly string[] = []

/** Each once, at most `limits.mentions`; absent: nobody. undefined when it is anything else. */
const readMentions = (value: unknown): readonly string[] | undefined => {
  if (value === undefined || value === null) return nobody
  if (!Array.isArray(value) || value.length > limits.mentions || !value.every(isId)) return undefined
  return new Set(value).size === value.length ? value : undefined
}

/** null for what is absent, undefined for what is no id. */
const readOptionalId = (value: unknown): string | null | undefined =>
  value === undefined || value === null ? null : isId(value) ? value : undefined

/** null for what is absent, undefined for what is no whole number of milliseconds in a track. */
const readOptionalPosition = (value: unknown): number | null | undefined => {
  if (value === undefined || value === null) return null
  const isPosition = Number.isInteger(value) && Number(value) >= 0 && Number(value) <= limits.trackPositionMs
  return isPosition ? Number(value) : undefined
}

// What can't be seen can't be told apart: no white space, no control characters.
const unreadable = /[\s\p{White_Space}\p{Cc}\p{Cs}]/u

const isReaction = (value: unknown): value is string =>
  typeof value === 'string' &&
  value !== '' &&
  !isLongerThan(value, limits.reaction) &&
  !unreadable.test(value) &&
  !isUnstorable(value)

const readPost = (fields: Fields): ChatCommand | { code: CommandProblem } => {
  const content = checkPost({ clientMessageId: fields['clientMessageId'], body: fields['body'] })
  if ('code' in content) return content
  const replyTo = readOptionalId(fields['replyTo'])
  if (replyTo === undefined) return { code: 'invalid-reply-to' }
  const mentions = readMentions(fields['mentions'])
  if (mentions === undefined) return { code: 'invalid-mentions' }
  const trackId = readOptionalId(fields['trackId'])
  if (trackId === undefined) return { code: 'invalid-track-id' }
  const trackPositionMs = readOptionalPosition(fields['trackPositionMs'])
  if (trackPositionMs === undefined || (trackPositionMs !== null && trackId === null))
    return { code: 'invalid-track-position' }
  return { type: 'message.post', ...content, replyTo, mentions, trackId, trackPositionMs }
}

const readEdit = (fields: Fields): ChatCommand | { code: CommandProblem } => {
  const content = checkPost({ clientMessageId: fields['clientMessageId'], body: fields['body'] })
  if ('code' in content) return content
  const { messageId } = fields
  if (!isId(messageId)) return { code: 'invalid-message-id' }
  const mentions = readMentions(fields['mentions'])
  if (mentions === undefined) return { code: 'invalid-mentions' }
  return { type: 'message.edit', ...content, messageId, mentions }
}

const readAbout = (
  type: 'message.delete' | 'reaction.add' | 'reaction.remove',
  { clientMessageId, messageId, reaction }: Fields,
): ChatCommand | { code: CommandProblem } => {
  if (!checkClientMessageId(clientMessageId)) return { code: 'invalid-client-message-id' }
  if (!isId(messageId)) return { code: 'invalid-message-id' }
  if (type === 'message.delete') return { type, clientMessageId, messageId }
  return isReaction(reaction) ? { type, clientMessageId, messageId, reaction } : { code: 'invalid-reaction' }
}

/**
 * Checks what a client gave, at whichever edge, and what a worker read. Texts come back as they were given; ids are
 * lower-case UUIDs; fields that the command does not have are dropped.
 */
export const readChatCommand = (fields: Fields): ChatCommand | { code: CommandProblem } => {
  const { type } = fields
  switch (type) {
    case 'message.post':
      return readPost(fields)
    case 'message.edit':
      return readEdit(fields)
    case 'message.delete':
    case 'reaction.add':
    case 'reaction.remove':
      return readAbout(type, fields)
    default:
      return { code: 'unknown-type' }
  }
}

/** Whose a command is, and when the edge accepted it (milliseconds since the Unix epoch). */
export interface CommandContext {
  readonly roomId: string
  readonly senderId: string
  readonly sentAt: number
}

type CommandRecord = RecordOf<typeof topics.chatCommands>

const records = {
  'message.post': 'PostMessage',
  'message.edit': 'EditMessage',
  'message.delete': 'DeleteMessage',
  'reaction.add': 'AddReaction',
  'reaction.remove': 'RemoveReaction',
} as const satisfies Record<ChatCommand['type'], keyof Records>

const types = {
  PostMessage: 'message.post',
  EditMessage: 'message.edit',
  DeleteMessage: 'message.delete',
  AddReaction: 'reaction.add',
  RemoveReaction: 'reaction.remove',
} as const satisfies Record<Exclude<CommandRecord['type'], 'EraseContribution'>, ChatCommand['type']>

/** The record of a command, for chat.commands.v1. */
export const commandRecord = (
  command: ChatCommand,
  { roomId, senderId, sentAt }: CommandContext,
): CommandRecord => {
  const { type, ...fields } = command
  // Which fields belong to which type is what ChatCommand and the schemas say alike.
  return { type: records[type], value: { roomId, senderId, sentAt, ...fields } } as CommandRecord
}

/** The other way: the fields of a command, for `readChatCommand`. */
export const commandFields = ({ type, value }: CommandRecord): Fields => {
  if (type !== 'EraseContribution') return { type: types[type], ...value }
  return { ...value, type: value.reaction === null ? 'message.delete' : 'reaction.remove' }
}
