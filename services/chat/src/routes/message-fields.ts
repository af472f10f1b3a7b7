import { type CommandProblem, limits } from '@veza/contracts'
import { z } from '@veza/kit/http'
import { type MessagePage, type MessageView } from '../queries/messages.ts'
import { cursors, id } from './fields.ts'

/** What is wrong with a command, in words. */
export const flaws: Record<CommandProblem, string> = {
  'unknown-type': 'There is no such command',
  'invalid-client-message-id': `clientMessageId must have 1 to ${limits.clientMessageId} characters`,
  'body-empty': 'The body has nothing but white space',
  'body-too-long': `The body may have at most ${limits.body} characters`,
  'body-invalid': 'The body must be well-formed Unicode without NUL',
  'invalid-message-id': 'The message id must be a lower-case UUID',
  'invalid-reply-to': 'replyTo must be the lower-case UUID of a message',
  'invalid-mentions': `mentions must be at most ${limits.mentions} lower-case UUIDs of users, each once`,
  'invalid-track-id': 'trackId must be the lower-case UUID of a track',
  'invalid-track-position': `trackPositionMs must be whole milliseconds, at most ${limits.trackPositionMs}, in the track of trackId`,
  'invalid-reaction': `The reaction must have 1 to ${limits.reaction} characters, without white space`,
}

// Shapes are documented, not checked: `readChatCommand` of contracts has the rules, and with them the codes, the same for
// HTTP and WebSocket.
const named = {
  minLength: 1,
  maxLength: limits.clientMessageId,
  description: 'Yours to choose. Sent again with the same one, a command takes effect once',
  example: '3f0c-17',
}
const clientMessageId = z
  .unknown()
  .optional()
  .openapi({ type: 'string', ...named })
const body = z
  .unknown()
  .optional()
  .openapi({ type: 'string', minLength: 1, maxLength: limits.body, example: 'Does anybody know this track?' })
const mentions = z
  .unknown()
  .optional()
  .openapi({
    type: 'array',
    items: { type: 'string', format: 'uuid' },
    maxItems: limits.mentions,
    description: 'Ids of the users whom the text calls by name',
  })
const optionalId = (description: string) =>
  z
    .unknown()
    .optional()
    .openapi({ type: ['string', 'null'], format: 'uuid', description })
const trackPositionMs = z
  .unknown()
  .optional()
  .openapi({
    type: ['integer', 'null'],
    minimum: 0,
    maximum: limits.trackPositionMs,
    description: 'The place in that track that the message is about, milliseconds from its beginning',
    example: 83_500,
  })
const required = ['clientMessageId', 'body']

export const newMessage = z
  .object({
    clientMessageId,
    body,
    replyTo: optionalId('A message of the room that this one answers'),
    mentions,
    trackId: optionalId('A track that the message shows'),
    trackPositionMs,
  })
  .openapi('NewMessage', { required })
export const messageEdit = z.object({ clientMessageId, body, mentions }).openapi('MessageEdit', { required })
/** In the query, where all is text; it may be missing, which has a code of its own. */
export const commandName = z.object({
  clientMessageId: z
    .string()
    .optional()
    .openapi({ param: { name: 'clientMessageId', in: 'query', required: true }, ...named }),
})

/** In the path. */
export const messageIdParam = z.string().openapi({
  param: { name: 'messageId', in: 'path' },
  format: 'uuid',
  example: '0198f3c2-7a51-7c3e-9d10-5a4f0e6b2c11',
})

export const reactionParam = z.string().openapi({ param: { name: 'reaction', in: 'path' }, example: '🎧' })

export const accepted = z
  .object({
    messageId: id.openapi({ description: 'Of the message that the command makes or is about' }),
  })
  .openapi('AcceptedCommand')

export const message = z
  .object({
    offset: z.int().openapi({ description: 'Its place among all events of the room, from 1, without gaps' }),
    type: z.literal('message.posted'),
    messageId: id,
    messageNumber: z.int().openapi({ description: "Its place among the room's messages" }),
    senderId: id,
    clientMessageId: z.string(),
    body: z.string().openapi({ description: 'As it stands now; empty when it was deleted' }),
    postedAt: z.iso.datetime(),
    replyTo: id.optional(),
    threadId: id.optional().openapi({ description: 'The first message of the thread that it is in' }),
    mentions: z.array(id).optional(),
    trackId: id.optional(),
    trackPositionMs: z.int().optional().openapi({ description: 'Place in that track, milliseconds' }),
    editedAt: z.iso.datetime().optional(),
    deletedAt: z.iso.datetime().optional(),
    replies: z.int().optional().openapi({ description: 'In the thread that it began' }),
    reactions: z
      .array(z.object({ reaction: z.string(), count: z.int(), mine: z.boolean() }))
      .optional()
      .openapi({ description: '`mine`: you are among them' }),
  })
  .openapi('Message')

const cursor = z.string().nullable()
const pageShape = {
  epoch: z.string().openapi({ description: 'Of the numbering. Offsets of another epoch say nothing here' }),
  offset: z.int().openapi({
    description:
      "The room's last event when the page was read: subscribe from {epoch, offset} and miss nothing",
  }),
  messages: z.array(message),
  next: cursor.openapi({ description: 'For `before`; null: there are no older ones' }),
  previous: cursor.openapi({ description: 'For `after`; null: there are no newer ones yet' }),
}
export const messagePage = z.object(pageShape).openapi('MessagePage')
export const threadPage = z.object({ root: message, ...pageShape }).openapi('ThreadPage')

const iso = (at: Date | null) => at?.toISOString()
const orAbsent = <T>(list: readonly T[]) => (list.length === 0 ? undefined : [...list])

/** Fields that would be null, empty or 0 are left out, as in publications. */
export const messageJson = (view: MessageView): z.infer<typeof message> => ({
  offset: view.offset,
  type: 'message.posted',
  messageId: view.messageId,
  messageNumber: view.messageNumber,
  senderId: view.senderId,
  clientMessageId: view.clientMessageId,
  body: view.body,
  postedAt: view.postedAt.toISOString(),
  replyTo: view.replyTo ?? undefined,
  threadId: view.threadId ?? undefined,
  mentions: orAbsent(view.mentions),
  trackId: view.trackId ?? undefined,
  trackPositionMs: view.trackPositionMs ?? undefined,
  editedAt: view.deletedAt === null ? iso(view.editedAt) : undefined,
  deletedAt: iso(view.deletedAt),
  replies: view.replies === 0 ? undefined : view.replies,
  reactions: orAbsent(view.reactions),
})

const cursorAt = (view: MessageView | undefined) =>
  view === undefined ? null : cursors.messages.write(String(view.offset))

export const pageJson = (page: MessagePage): z.infer<typeof messagePage> => ({
  epoch: page.epoch,
  offset: page.offset,
  messages: page.messages.map(messageJson),
  next: page.hasOlder ? cursorAt(page.messages.at(-1)) : null,
  previous: page.hasNewer ? cursorAt(page.messages[0]) : null,
})
