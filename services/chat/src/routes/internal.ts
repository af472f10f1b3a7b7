import { type NotificationPublication, notificationPublication, type RoomPublication } from '@veza/contracts'
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
import { type LastSeen } from '../adapters/last-seen.ts'
import { userNotified } from '../adapters/publish.ts'
import { type ReadPosition } from '../adapters/read-positions.ts'
import { type UserPosition, type UserStretch } from '../adapters/user-log.ts'
import { answer } from './answer.ts'
import { count, id } from './fields.ts'
import { unread, unreadJson } from './unread.ts'

/** What the routes call. */
export interface InternalHandlers {
  readAccess(pairs: readonly Pair[]): Promise<Access[]>
  readHeads(roomIds: readonly string[]): Promise<Head[]>
  readForwards(roomId: string, page: { after: number; limit: number }): Promise<Stretch>
  readUserLogs(positions: readonly UserPosition[]): Promise<UserStretch[]>
  markRead(roomId: string, userId: string, messageNumber: number): Promise<ReadPosition>
  readonly lastSeen: LastSeen
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

const userEvent = z.object({
  offset,
  data: z.custom<NotificationPublication>(),
  roomId: id,
  roomOffset: offset.nullable(),
})
const userLogsRoute = createRoute({
  method: 'post',
  path: '/internal/v1/user-logs',
  summary: "Where users' logs stand, and what is in them after a position, in the order of the positions",
  request: {
    body: jsonBody(
      z.object({
        positions: z
          .array(z.object({ userId: id, after: offset.min(0).nullable() }))
          .min(1)
          .max(200),
      }),
    ),
  },
  responses: {
    200: jsonResponse(
      'One log a position; no events when there are more than 500',
      z.object({
        logs: z.array(z.object({ userId: id, epoch: z.string(), offset, events: z.array(userEvent) })),
      }),
    ),
    ...problemResponses(400, 401, 503),
  },
})
const readRoute = createRoute({
  method: 'put',
  path: '/internal/v1/rooms/{roomId}/read/{userId}',
  summary: 'Marks a room as read for a user, as PUT /v1/rooms/{roomId}/read does',
  request: {
    params: z.object({ roomId: id, userId: id }),
    body: jsonBody(z.object({ messageNumber: z.int().min(0) })),
  },
  responses: {
    200: jsonResponse('What is left to read', unread),
    ...problemResponses(400, 401, 403, 404, 503),
  },
})

// Epoch milliseconds: one process of Veza tells another.
const seen = z.object({ userId: id, at: z.int().min(0).max(8.64e15) })
const noteSeenRoute = createRoute({
  method: 'put',
  path: '/internal/v1/last-seen',
  summary: 'Notes when people were last connected; forwards only',
  request: { body: jsonBody(z.object({ seen: z.array(seen).min(1).max(500) })) },
  responses: { 204: { description: 'Noted' }, ...problemResponses(400, 401, 503) },
})
const lastSeenRoute = createRoute({
  method: 'post',
  path: '/internal/v1/rooms/{roomId}/last-seen',
  summary: 'When members of a room were last connected; those of whom nothing is known are left out',
  request: {
    params: z.object({ roomId: id }),
    body: jsonBody(z.object({ userIds: z.array(id).max(100) })),
  },
  responses: {
    200: jsonResponse('The members', z.object({ seen: z.array(seen) })),
    ...problemResponses(400, 401, 503),
  },
})

const userLogJson = ({ userId, epoch, offset, notices }: UserStretch) => ({
  ...{ userId, epoch, offset },
  events: notices.map((notice) => ({
    offset: notice.offset,
    data: notificationPublication(userNotified(notice)),
    roomId: notice.roomId,
    roomOffset: notice.roomOffset,
  })),
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
  app.openapi(userLogsRoute, async (c) => {
    const logs = await answer(handlers.readUserLogs(c.req.valid('json').positions))
    return c.json({ logs: logs.map(userLogJson) }, 200)
  })
  app.openapi(readRoute, async (c) => {
    const { roomId, userId } = c.req.valid('param')
    const position = await answer(handlers.markRead(roomId, userId, c.req.valid('json').messageNumber))
    return c.json(unreadJson(position), 200)
  })
  app.openapi(noteSeenRoute, async (c) => {
    const people = c.req.valid('json').seen.map(({ userId, at }) => ({ userId, at: new Date(at) }))
    await answer(handlers.lastSeen.note(people))
    return c.body(null, 204)
  })
  app.openapi(lastSeenRoute, async (c) => {
    const { roomId } = c.req.valid('param')
    const people = await answer(handlers.lastSeen.inRoom(roomId, c.req.valid('json').userIds))
    return c.json({ seen: people.map(({ userId, at }) => ({ userId, at: at.getTime() })) }, 200)
  })
}
