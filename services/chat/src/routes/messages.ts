import { type Api, bearer, createRoute, jsonResponse, Problem, problemResponses, z } from '@veza/kit/http'
import { type TokenVerifier } from '@veza/kit/tokens'
import {
  after,
  around,
  before,
  type MessagePage,
  type MessageView,
  newest,
  type Window,
} from '../queries/messages.ts'
import { answer } from './answer.ts'
import { count, cursors, id } from './fields.ts'
import { message, messageJson, messagePage, pageJson, threadPage } from './message-fields.ts'

/** What the routes call. */
export interface MessageHandlers {
  readMessages(roomId: string, userId: string, window: Window, trackId?: string): Promise<MessagePage>
  getMessage(roomId: string, userId: string, messageId: string): Promise<MessageView>
  readThread(
    roomId: string,
    userId: string,
    threadId: string,
    window: Window,
  ): Promise<MessagePage & { readonly root: MessageView }>
  offsetAt(roomId: string, time: Date): Promise<number>
}

const roomParams = z.object({ roomId: id })
const messageParams = z.object({ roomId: id, messageId: id })

const cursorQuery = {
  before: cursors.messages.field.optional(),
  after: cursors.messages.field.optional().openapi({ description: '`previous` of a page' }),
  limit: count(1, 100, 50),
}
const historyQuery = z.object({
  ...cursorQuery,
  around: id.optional().openapi({ description: 'A message that the page is to hold in its middle' }),
  at: z.iso
    .datetime({ offset: true })
    .optional()
    .openapi({ description: 'A time: the page holds in its middle what was posted then' }),
  trackId: id.optional().openapi({ description: 'Only what was said of places in this track' }),
})

/** The one place that a query names; the newest messages when it names none. */
const onlyOne = (places: readonly (Window | undefined)[], limit: number): Window => {
  const [window, ...others] = places.filter((place) => place !== undefined)
  if (others.length > 0)
    throw new Problem(400, 'invalid-request', 'Give one of before, after, around and at, or none')
  return window ?? newest(limit)
}

const cursorWindows = (query: { before?: string | undefined; after?: string | undefined; limit: number }) => [
  query.before === undefined ? undefined : before(Number(query.before), query.limit),
  query.after === undefined ? undefined : after(Number(query.after), query.limit),
]

/** Mounts history. */
export const mountMessages = (app: Api, verifier: TokenVerifier, handlers: MessageHandlers): void => {
  const common = { tags: ['messages'], security: [{ bearer: [] }], middleware: bearer(verifier) }

  const placeOf = async (
    roomId: string,
    userId: string,
    query: z.infer<typeof historyQuery>,
  ): Promise<Window> => {
    const { around: messageId, at, limit } = query
    const window = onlyOne(
      [
        ...cursorWindows(query),
        // Where these lie is asked only once it is known that nothing else is named.
        ...[messageId, at].map((place) => (place === undefined ? undefined : newest(limit))),
      ],
      limit,
    )
    if (messageId !== undefined)
      return around((await handlers.getMessage(roomId, userId, messageId)).offset, limit)
    return at === undefined ? window : around(await handlers.offsetAt(roomId, new Date(at)), limit)
  }

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/messages',
      summary: "A room's messages as they stand now, the newest first",
      description:
        "A public room's history is open to whoever is signed in, a private room's to its members. Without a place " +
        'the page is of the newest messages. Give one place at most: before, after, around or at.',
      request: { params: roomParams, query: historyQuery },
      responses: {
        200: jsonResponse('A page of messages', messagePage),
        ...problemResponses(400, 401, 404, 503),
      },
    }),
    async (c) => {
      const { roomId } = c.req.valid('param')
      const { userId } = c.var.identity
      const read = async () => {
        const query = c.req.valid('query')
        const window = await placeOf(roomId, userId, query)
        return handlers.readMessages(roomId, userId, window, query.trackId)
      }
      return c.json(pageJson(await answer(read())), 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/messages/{messageId}',
      summary: 'A message, as a link to it shows it',
      request: { params: messageParams },
      responses: { 200: jsonResponse('The message', message), ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const { roomId, messageId } = c.req.valid('param')
      const found = await answer(handlers.getMessage(roomId, c.var.identity.userId, messageId))
      return c.json(messageJson(found), 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/messages/{messageId}/thread',
      summary: 'The message that began a thread, and its replies, the newest first',
      request: { params: messageParams, query: z.object(cursorQuery) },
      responses: {
        200: jsonResponse('A page of replies', threadPage),
        ...problemResponses(400, 401, 404, 503),
      },
    }),
    async (c) => {
      const { roomId, messageId } = c.req.valid('param')
      const query = c.req.valid('query')
      const window = onlyOne(cursorWindows(query), query.limit)
      const { root, ...page } = await answer(
        handlers.readThread(roomId, c.var.identity.userId, messageId, window),
      )
      return c.json({ root: messageJson(root), ...pageJson(page) }, 200)
    },
  )
}
