import { context } from '@opentelemetry/api'
import { checkPost, limits, type PostProblem } from '@veza/contracts'
import {
  type Api,
  bearer,
  createRoute,
  jsonBody,
  jsonResponse,
  Problem,
  problemResponses,
  z,
} from '@veza/kit/http'
import { traceparent } from '@veza/kit/telemetry'
import { type TokenVerifier } from '@veza/kit/tokens'
import { type PostMessageInput } from '../commands/post-message.ts'
import { type Stretch } from '../queries/history.ts'
import { answer } from './answer.ts'
import { count, cursors, id, nextCursor } from './fields.ts'

/** What the routes call. */
export interface MessageHandlers {
  /** Resolves to the message id. */
  postMessage(input: PostMessageInput): Promise<string>
  readHistory(
    roomId: string,
    userId: string,
    page: { before: number | undefined; limit: number },
  ): Promise<Stretch>
}

const flaws: Record<PostProblem, string> = {
  'invalid-client-message-id': `clientMessageId must have 1 to ${limits.clientMessageId} characters`,
  'body-empty': 'The body has nothing but white space',
  'body-too-long': `The body may have at most ${limits.body} characters`,
  'body-invalid': 'The body must be well-formed Unicode without NUL',
}

const newMessage = z
  .object({
    clientMessageId: z.string().openapi({
      minLength: 1,
      maxLength: limits.clientMessageId,
      description: 'Yours to choose. Sent again with the same one, a message is posted once',
      example: '3f0c-17',
    }),
    body: z
      .string()
      .openapi({ minLength: 1, maxLength: limits.body, example: 'Does anybody know this track?' }),
  })
  .openapi('NewMessage')

const message = z
  .object({
    offset: z.int().openapi({ description: 'Its place among all events of the room, from 1, without gaps' }),
    type: z.literal('message.posted'),
    messageId: id,
    messageNumber: z.int().openapi({ description: "Its place among the room's messages" }),
    senderId: id,
    clientMessageId: z.string(),
    body: z.string(),
    postedAt: z.iso.datetime(),
  })
  .openapi('Message')

const messagePage = z
  .object({
    epoch: z.string().openapi({ description: 'Of the numbering. Offsets of another epoch say nothing here' }),
    messages: z.array(message),
    next: z.string().nullable().openapi({ description: 'For `before`; null: these were the oldest' }),
  })
  .openapi('MessagePage')

const roomParams = z.object({ roomId: id })

/** Mounts posting and history. */
export const mountMessages = (app: Api, verifier: TokenVerifier, handlers: MessageHandlers): void => {
  const common = { tags: ['messages'], security: [{ bearer: [] }], middleware: bearer(verifier) }

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/messages',
      summary: "A room's messages, the newest first",
      description:
        "A public room's history is open to whoever is signed in, a private room's to its members.",
      request: {
        params: roomParams,
        query: z.object({ before: cursors.messages.field.optional(), limit: count(1, 100, 50) }),
      },
      responses: {
        200: jsonResponse('A page of messages', messagePage),
        ...problemResponses(400, 401, 404, 503),
      },
    }),
    async (c) => {
      const { before: cursor, limit } = c.req.valid('query')
      const before = cursor === undefined ? undefined : Number(cursor)
      const { roomId } = c.req.valid('param')
      const { epoch, events } = await answer(
        handlers.readHistory(roomId, c.var.identity.userId, { before, limit }),
      )
      const messages = events.map(({ offset, data }) => ({ offset, ...data }))
      const next = nextCursor(messages, limit, (last) => cursors.messages.write(String(last.offset)))
      return c.json({ epoch, messages, next }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/rooms/{roomId}/messages',
      summary: 'Post a message',
      description:
        'Answered when the command cannot be lost any more. Its one outcome comes as `message.posted` on the channel ' +
        '`room:<roomId>` or as `rejected` on `user:<your id>`.',
      request: { params: roomParams, body: jsonBody(newMessage) },
      responses: {
        202: jsonResponse('Accepted', z.object({ messageId: id }).openapi('AcceptedMessage')),
        ...problemResponses(400, 401, 403, 404, 503),
      },
    }),
    async (c) => {
      const content = checkPost(c.req.valid('json'))
      if ('code' in content) throw new Problem(400, content.code, flaws[content.code])
      const messageId = await answer(
        handlers.postMessage({
          roomId: c.req.valid('param').roomId,
          senderId: c.var.identity.userId,
          ...content,
          traceparent: traceparent(context.active()),
        }),
      )
      return c.json({ messageId }, 202)
    },
  )
}
