import { type EventMetadata } from '@veza/kit/events'
import {
  type Api,
  createRoute,
  jsonBody,
  jsonResponse,
  Problem,
  problemResponses,
  requestMetadata,
  z,
  type CallerMiddleware,
  idempotencyHeader,
} from '@veza/kit/http'
import { type RoomDetails } from '../adapters/rooms.ts'
import { type ReadPosition } from '../adapters/read-positions.ts'
import { type RoomCommand, type RoomEvent, type Visibility } from '../domain/room.ts'
import { type MemberView, type PageInput, type RoomView } from '../queries/rooms.ts'
import { answer } from './answer.ts'
import { count, cursors, id, nextCursor, roomName } from './fields.ts'
import { unread, unreadJson } from './unread.ts'

/** What the routes call. */
export interface RoomHandlers {
  createRoom(
    input: { name: string; visibility: Visibility; ownerId: string },
    metadata: EventMetadata,
  ): Promise<RoomDetails>
  openDirectRoom(
    actorId: string,
    userId: string,
    metadata: EventMetadata,
  ): Promise<{ readonly roomId: string; readonly isNew: boolean }>
  getRoom(roomId: string, userId: string): Promise<RoomView>
  listRooms(scope: 'mine' | 'public', userId: string, page: PageInput): Promise<RoomView[]>
  changeRoom(roomId: string, command: RoomCommand, metadata: EventMetadata): Promise<readonly RoomEvent[]>
  listMembers(roomId: string, userId: string, page: PageInput): Promise<MemberView[]>
  markRead(roomId: string, userId: string, messageNumber: number): Promise<ReadPosition>
}

const visibility = z.enum(['public', 'private']).openapi({
  description:
    'public: whoever is signed in may see the room, read its history and join it. ' +
    'private: to those who are not in it the room does not exist',
})
const role = z.enum(['owner', 'moderator', 'member'])
const time = z.iso.datetime().openapi({ example: '2026-11-22T18:00:00.000Z' })
const next = z
  .string()
  .nullable()
  .openapi({ description: 'Cursor of the next page; null: this was the last' })

const room = z
  .object({
    id,
    name: z.string().openapi({ description: 'Empty in a direct room' }),
    visibility: z.enum(['public', 'private', 'direct']),
    ownerId: id,
    role: role.nullable().openapi({ description: "The caller's; null: not a member" }),
    createdAt: time,
    archivedAt: time
      .nullable()
      .openapi({ description: 'Since when nothing can be posted in it; null: it can' }),
    slowModeSeconds: z
      .int()
      .openapi({ description: 'Between two posts of one member at least; 0: no slow mode' }),
    lastMessageNumber: z.int(),
    unread: unread.nullable().openapi({ description: 'null: not a member' }),
    peerId: id.nullable().openapi({ description: 'The other one of a direct room' }),
  })
  .openapi('Room')
const roomPage = z.object({ rooms: z.array(room), next }).openapi('RoomPage')
const member = z.object({
  userId: id,
  role,
  joinedAt: time,
  mutedUntil: time.nullable(),
  readNumber: z.int().openapi({ description: 'How far they have read' }),
  readAt: time.nullable().openapi({ description: 'When they last said so' }),
})
const memberPage = z.object({ members: z.array(member), next }).openapi('MemberPage')
const membership = z.object({ roomId: id, userId: id }).openapi('Membership')

const security = [{ bearer: [] }]
const roomParams = z.object({ roomId: id })
const limit = count(1, 100, 50)

const iso = (at: Date | null) => at?.toISOString() ?? null

const toJson = (view: RoomView): z.infer<typeof room> => ({
  id: view.id,
  name: view.name,
  visibility: view.visibility,
  ownerId: view.ownerId,
  role: view.role,
  createdAt: view.createdAt.toISOString(),
  archivedAt: iso(view.archivedAt),
  slowModeSeconds: view.slowModeSeconds,
  lastMessageNumber: view.lastMessageNumber,
  unread: view.unread,
  peerId: view.peerId,
})

const memberJson = ({ joinedAt, mutedUntil, readAt, ...rest }: MemberView) => ({
  ...rest,
  joinedAt: joinedAt.toISOString(),
  mutedUntil: iso(mutedUntil),
  readAt: iso(readAt),
})

/** Mounts rooms and their members. */
export const mountRooms = (app: Api, middleware: CallerMiddleware, handlers: RoomHandlers): void => {
  const common = { tags: ['rooms'], security, middleware }

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/rooms',
      summary: 'Create a room and own it',
      request: {
        headers: idempotencyHeader,
        body: jsonBody(z.object({ name: roomName, visibility }).openapi('NewRoom')),
      },
      responses: { 201: jsonResponse('The room', room), ...problemResponses(400, 401, 410, 429, 503) },
    }),
    async (c) => {
      const ownerId = c.var.identity.userId
      const input = { ...c.req.valid('json'), ownerId }
      const { id } = await answer(handlers.createRoom(input, requestMetadata(c)))
      const created = await answer(handlers.getRoom(id, ownerId))
      return c.json(toJson(created), 201, { location: `/v1/rooms/${id}` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/rooms/direct',
      summary: 'The direct room of you and somebody else',
      description:
        'Created when it is first asked for; the same one however often and whichever of the two asks.',
      request: { headers: idempotencyHeader, body: jsonBody(z.object({ userId: id }).openapi('DirectRoom')) },
      responses: {
        200: jsonResponse('The room, which was there', room),
        201: jsonResponse('The room, now created', room),
        ...problemResponses(400, 401, 410, 429, 503),
      },
    }),
    async (c) => {
      const { userId } = c.var.identity
      const peerId = c.req.valid('json').userId
      if (peerId === userId) throw new Problem(400, 'invalid-request', 'A direct room has two people')
      const { roomId, isNew } = await answer(handlers.openDirectRoom(userId, peerId, requestMetadata(c)))
      const found = await answer(handlers.getRoom(roomId, userId))
      return c.json(toJson(found), isNew ? 201 : 200, { location: `/v1/rooms/${roomId}` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms',
      summary: 'The rooms that the caller is in, or all public rooms; the youngest first',
      request: {
        query: z.object({
          scope: z.enum(['mine', 'public']).default('mine'),
          cursor: cursors.rooms.field.optional(),
          limit,
        }),
      },
      responses: { 200: jsonResponse('A page of rooms', roomPage), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const { scope, cursor, limit } = c.req.valid('query')
      const page = await answer(handlers.listRooms(scope, c.var.identity.userId, { after: cursor, limit }))
      const next = nextCursor(page, limit, (last) => cursors.rooms.write(last.id))
      return c.json({ rooms: page.map(toJson), next }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}',
      summary: 'A room',
      request: { params: roomParams },
      responses: { 200: jsonResponse('The room', room), ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const found = await answer(handlers.getRoom(c.req.valid('param').roomId, c.var.identity.userId))
      return c.json(toJson(found), 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/rooms/{roomId}/members',
      summary: 'Join a room, or add somebody as its owner',
      description:
        'Without userId the caller joins, which a public room allows to everybody and a private one to those whom it ' +
        'invited. With userId the owner of a public or ' +
        'private room adds that person. Adding a member again changes nothing.',
      request: {
        headers: idempotencyHeader,
        params: roomParams,
        body: jsonBody(z.object({ userId: id.optional() }).openapi('NewMember')),
      },
      responses: {
        200: jsonResponse('They are a member', membership),
        ...problemResponses(400, 401, 403, 404, 409, 410, 429, 503),
      },
    }),
    async (c) => {
      const { roomId } = c.req.valid('param')
      const actorId = c.var.identity.userId
      const userId = c.req.valid('json').userId ?? actorId
      await answer(handlers.changeRoom(roomId, { type: 'add-member', actorId, userId }, requestMetadata(c)))
      return c.json({ roomId, userId }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/members',
      summary: 'Who is in a room; for its members',
      request: { params: roomParams, query: z.object({ cursor: cursors.members.field.optional(), limit }) },
      responses: {
        200: jsonResponse('A page of members', memberPage),
        ...problemResponses(400, 401, 403, 404, 503),
      },
    }),
    async (c) => {
      const { cursor, limit } = c.req.valid('query')
      const { roomId } = c.req.valid('param')
      const page = await answer(handlers.listMembers(roomId, c.var.identity.userId, { after: cursor, limit }))
      const members = page.map(memberJson)
      const next = nextCursor(page, limit, (last) => cursors.members.write(last.userId))
      return c.json({ members, next }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/rooms/{roomId}/members/me',
      summary: 'Leave a room',
      description: 'Leaving a public room that one is not in changes nothing. The owner cannot leave: 409.',
      request: { headers: idempotencyHeader, params: roomParams },
      responses: {
        204: { description: 'Not a member any more' },
        ...problemResponses(400, 401, 404, 409, 429, 503),
      },
    }),
    async (c) => {
      const actorId = c.var.identity.userId
      const { roomId } = c.req.valid('param')
      await answer(handlers.changeRoom(roomId, { type: 'leave', actorId }, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/rooms/{roomId}/read',
      summary: 'Mark a room as read up to a message',
      description:
        'The position only moves forwards, and not beyond the last message. Others see it as a read receipt.',
      request: {
        headers: idempotencyHeader,
        params: roomParams,
        body: jsonBody(z.object({ messageNumber: z.int().min(0) }).openapi('ReadMark')),
      },
      responses: {
        200: jsonResponse('What is left to read', unread),
        ...problemResponses(400, 401, 403, 404, 429, 503),
      },
    }),
    async (c) => {
      const { messageNumber } = c.req.valid('json')
      const { roomId } = c.req.valid('param')
      const position = await answer(handlers.markRead(roomId, c.var.identity.userId, messageNumber))
      return c.json(unreadJson(position), 200)
    },
  )
}
