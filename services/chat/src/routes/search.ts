import { type Api, bearer, createRoute, jsonResponse, problemResponses, z } from '@veza/kit/http'
import { type TokenVerifier } from '@veza/kit/tokens'
import { type SearchInput, type SearchPage } from '../queries/search.ts'
import { answer } from './answer.ts'
import { count, cursors, id, nextCursor, text } from './fields.ts'
import { message, messageJson } from './message-fields.ts'

/** What the routes call. */
export interface SearchHandlers {
  searchMessages(input: SearchInput): Promise<SearchPage>
}

const page = z
  .object({
    messages: z.array(message.extend({ roomId: id })),
    next: z.string().nullable().openapi({ description: 'Cursor of the next page; null: this was the last' }),
    complete: z.boolean().openapi({
      description:
        'false: much was posted since the last search here; search again to find older messages too',
    }),
  })
  .openapi('SearchPage')

const placeOf = (cursor: string | undefined): SearchInput['after'] => {
  const [postedAt, messageId] = cursor?.split(':') ?? []
  return postedAt === undefined || messageId === undefined
    ? undefined
    : { postedAt: Number(postedAt), messageId }
}

/** Mounts search. */
export const mountSearch = (app: Api, verifier: TokenVerifier, handlers: SearchHandlers): void => {
  app.openapi(
    createRoute({
      tags: ['messages'],
      security: [{ bearer: [] }],
      middleware: bearer(verifier),
      method: 'get',
      path: '/v1/search',
      summary: 'Messages that hold some words, in one room or in all that you are in; the newest first',
      description: 'Words, "phrases", OR and -not. Whole words, whatever their case, in any language.',
      request: {
        query: z.object({
          q: text(200),
          roomId: id.optional(),
          cursor: cursors.search.field.optional(),
          limit: count(1, 50, 20),
        }),
      },
      responses: { 200: jsonResponse('A page of messages', page), ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const { q, roomId, cursor, limit } = c.req.valid('query')
      const { userId } = c.var.identity
      const { messages, complete } = await answer(
        handlers.searchMessages({ userId, text: q, roomId, after: placeOf(cursor), limit }),
      )
      const next = nextCursor(messages, limit, (last) =>
        cursors.search.write(`${last.postedAt.getTime()}:${last.messageId}`),
      )
      const found = messages.map((view) => ({ ...messageJson(view), roomId: view.roomId }))
      return c.json({ messages: found, next, complete }, 200)
    },
  )
}
