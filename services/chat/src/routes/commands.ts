import { context } from '@opentelemetry/api'
import { readChatCommand } from '@veza/contracts'
import {
  type Api,
  type CallerMiddleware,
  createRoute,
  jsonBody,
  jsonResponse,
  Problem,
  problemResponses,
  z,
} from '@veza/kit/http'
import { traceparent } from '@veza/kit/telemetry'
import { type SendCommandInput } from '../commands/send-command.ts'
import { answer } from './answer.ts'
import { id } from './fields.ts'
import {
  accepted,
  commandName,
  flaws,
  messageEdit,
  messageIdParam,
  newMessage,
  reactionParam,
} from './message-fields.ts'

/** What the routes call. */
export interface CommandHandlers {
  /** Resolves to the id of the command's outcome. */
  sendCommand(input: SendCommandInput): Promise<string>
}

const tracks =
  'Answered when the command cannot be lost any more. Its one outcome comes as a publication on the channel ' +
  '`room:<roomId>` or as `rejected` on `user:<your id>`.'

const roomParams = z.object({ roomId: id })
const messageParams = z.object({ roomId: id, messageId: messageIdParam })
const reactionParams = z.object({ roomId: id, messageId: messageIdParam, reaction: reactionParam })

/** Mounts what one does with messages: the same commands, rules and outcomes as publishing on `room:<roomId>`. */
export const mountCommands = (app: Api, caller: CallerMiddleware[0], handlers: CommandHandlers): void => {
  const common = {
    tags: ['messages'],
    security: [{ bearer: [] }],
    middleware: caller,
    description: tracks,
    responses: { 202: jsonResponse('Accepted', accepted), ...problemResponses(400, 401, 403, 404, 429, 503) },
  }

  /** @param fields of a command as `readChatCommand` takes it */
  const send = async (roomId: string, senderId: string, fields: Record<string, unknown>): Promise<string> => {
    const command = readChatCommand(fields)
    if ('code' in command) throw new Problem(400, command.code, flaws[command.code])
    return answer(
      handlers.sendCommand({ roomId, senderId, command, traceparent: traceparent(context.active()) }),
    )
  }

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/rooms/{roomId}/messages',
      summary: 'Post a message',
      request: { params: roomParams, body: jsonBody(newMessage) },
    }),
    async (c) => {
      const fields = { ...c.req.valid('json'), type: 'message.post' }
      const messageId = await send(c.req.valid('param').roomId, c.var.identity.userId, fields)
      return c.json({ messageId }, 202)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'patch',
      path: '/v1/rooms/{roomId}/messages/{messageId}',
      summary: 'Replace the text of a message of your own',
      request: { params: messageParams, body: jsonBody(messageEdit) },
    }),
    async (c) => {
      const { roomId, messageId } = c.req.valid('param')
      const fields = { ...c.req.valid('json'), type: 'message.edit', messageId }
      await send(roomId, c.var.identity.userId, fields)
      return c.json({ messageId }, 202)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/rooms/{roomId}/messages/{messageId}',
      summary: 'Delete a message of your own, or any as a moderator',
      request: { params: messageParams, query: commandName },
    }),
    async (c) => {
      const { roomId, messageId } = c.req.valid('param')
      const fields = { ...c.req.valid('query'), type: 'message.delete', messageId }
      await send(roomId, c.var.identity.userId, fields)
      return c.json({ messageId }, 202)
    },
  )

  for (const [method, type, summary] of [
    ['put', 'reaction.add', 'React to a message'],
    ['delete', 'reaction.remove', 'Take a reaction back'],
  ] as const)
    app.openapi(
      createRoute({
        ...common,
        method,
        path: '/v1/rooms/{roomId}/messages/{messageId}/reactions/{reaction}',
        summary,
        request: { params: reactionParams, query: commandName },
      }),
      async (c) => {
        const { roomId, messageId, reaction } = c.req.valid('param')
        const fields = { ...c.req.valid('query'), type, messageId, reaction }
        await send(roomId, c.var.identity.userId, fields)
        return c.json({ messageId }, 202)
      },
    )
}
