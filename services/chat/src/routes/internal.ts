import { type RoomPublication } from '@veza/contracts'
import {
  type Api,
  createRoute,
  jsonBody,
  jsonResponse,
  problemResponses,
  serviceOnly,
  z,
} from '@veza/kit/http'
import { type Access, type Head, type Pair } from '../queries/access.ts'
import { type Stretch } from '../queries/events.ts'
import { answer } from './answer.ts'
import { count, id } from './fields.ts'

/** What the routes call. */
export interface InternalHandlers {
  readAccess(pairs: readonly Pair[]): Promise<Access[]>
  readHeads(roomIds: readonly string[]): Promise<Head[]>
  readForwards(roomId: string, page: { after: number; limit: number }): Promise<Stretch>
}

const offset = z.int()
const head = z.object({ roomId: id, epoch: z.string(), offset })
const access = z.object({
  roomId: id,
  userId: id,
  exists: z.boolean(),
  role: z.enum(['owner', 'moderator', 'member']).nullable(),
  epoch: z.string().nullable(),
  offset: offset.nullable(),
})
const placedEvent = z.object({ offset, data: z.custom<RoomPublication>() })

const accessRoute = createRoute({
  method: 'post',
  path: '/internal/v1/access',
  summary: 'What each person is in each room, in the order of the pairs',
  request: {
    body: jsonBody(
      z.object({
        pairs: z
          .array(z.object({ roomId: id, userId: id }))
          .min(1)
          .max(500),
      }),
    ),
  },
  responses: {
    200: jsonResponse('One result a pair', z.object({ results: z.array(access) })),
    ...problemResponses(400, 401, 503),
  },
})
const headsRoute = createRoute({
  method: 'post',
  path: '/internal/v1/heads',
  summary: 'How far rooms have come; unknown rooms are left out',
  request: { body: jsonBody(z.object({ roomIds: z.array(id).max(1000) })) },
  responses: {
    200: jsonResponse('Heads', z.object({ heads: z.array(head) })),
    ...problemResponses(400, 401, 503),
  },
})
const eventsRoute = createRoute({
  method: 'get',
  path: '/internal/v1/rooms/{roomId}/events',
  summary: "A room's events after an offset, ascending and without gaps",
  request: {
    params: z.object({ roomId: id }),
    query: z.object({ after: count(0, Number.MAX_SAFE_INTEGER), limit: count(1, 500) }),
  },
  responses: {
    200: jsonResponse('A stretch', z.object({ epoch: z.string(), offset, events: z.array(placedEvent) })),
    ...problemResponses(400, 401, 404, 503),
  },
})

/** Mounts the API for Veza's own processes. Its listener is never behind the gateway. */
export const mountInternal = (app: Api, token: string, handlers: InternalHandlers): void => {
  app.use('/internal/*', serviceOnly(token))
  app.openapi(accessRoute, async (c) =>
    c.json({ results: await answer(handlers.readAccess(c.req.valid('json').pairs)) }, 200),
  )
  app.openapi(headsRoute, async (c) =>
    c.json({ heads: await answer(handlers.readHeads(c.req.valid('json').roomIds)) }, 200),
  )
  app.openapi(eventsRoute, async (c) =>
    c.json(await answer(handlers.readForwards(c.req.valid('param').roomId, c.req.valid('query'))), 200),
  )
}
