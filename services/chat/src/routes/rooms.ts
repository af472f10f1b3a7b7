import { type Api, bearer, createRoute, jsonBody, jsonResponse, problemResponses, z } from '@veza/kit/http'
import { type TokenVerifier } from '@veza/kit/tokens'
import { type RoomDetails } from '../adapters/rooms.ts'
import { type RoomCommand, type Visibility } from '../domain/room.ts'
import { type MemberView, type RoomView } from '../queries/rooms.ts'
import { answer } from './answer.ts'
import { count, cursors, id, nextCursor, roomName } from './fields.ts'

interface PageInput {
  after: string | undefined
  limit: number
}

/** What the routes call. */
export interface RoomHandlers {
  createRoom(input: { name: string; visibility: Visibility; ownerId: string }): Promise<RoomDetails>
  getRoom(roomId: string, userId: string): Promise<RoomView>
  listRooms(scope: 'mine' | 'public', userId: string, page: PageInput): Promise<RoomView[]>
  changeMembers(roomId: string, command: RoomCommand): Promise<void>
  listMembers(roomId: string, userId: string, page: PageInput): Promise<MemberView[]>
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
    name: z.string(),
    visibility,
    ownerId: id,
    role: role.nullable().openapi({ description: "The caller's; null: not a member" }),
    createdAt: time,
  })
  .openapi('Room')
const roomPage = z.object({ rooms: z.array(room), next }).openapi('RoomPage')
const memberPage = z
  .object({ members: z.array(z.object({ userId: id, role, joinedAt: time })), next })
  .openapi('MemberPage')
const membership = z.object({ roomId: id, userId: id }).openapi('Membership')

const security = [{ bearer: [] }]
const roomParams = z.object({ roomId: id })
const limit = count(1, 100, 50)

const toJson = ({ createdAt, ...rest }: RoomView) => ({ ...rest, createdAt: createdAt.toISOString() })

/** Mounts rooms and their members. */
export const mountRooms = (app: Api, verifier: TokenVerifier, handlers: RoomHandlers): void => {
  const common = { tags: ['rooms'], security, middleware: bearer(verifier) }

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/rooms',
      summary: 'Create a room and own it',
      request: { body: jsonBody(z.object({ name: roomName, visibility }).openapi('NewRoom')) },
      responses: { 201: jsonResponse('The room', room), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const ownerId = c.var.identity.userId
      const created = await answer(handlers.createRoom({ ...c.req.valid('json'), ownerId }))
      return c.json(toJson({ ...created, role: 'owner' }), 201, { location: `/v1/rooms/${created.id}` })
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
      summary: 'Join a public room, or add somebody as its owner',
      description:
        'Without userId the caller joins, which a public room allows to everybody. With userId the owner of a public or ' +
        'private room adds that person. Adding a member again changes nothing.',
      request: {
        params: roomParams,
        body: jsonBody(z.object({ userId: id.optional() }).openapi('NewMember')),
      },
      responses: {
        200: jsonResponse('They are a member', membership),
        ...problemResponses(400, 401, 403, 404, 503),
      },
    }),
    async (c) => {
      const { roomId } = c.req.valid('param')
      const actorId = c.var.identity.userId
      const userId = c.req.valid('json').userId ?? actorId
      await answer(handlers.changeMembers(roomId, { type: 'add-member', actorId, userId }))
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
      const members = page.map(({ joinedAt, ...rest }) => ({ ...rest, joinedAt: joinedAt.toISOString() }))
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
      request: { params: roomParams },
      responses: {
        204: { description: 'Not a member any more' },
        ...problemResponses(400, 401, 404, 409, 503),
      },
    }),
    async (c) => {
      const actorId = c.var.identity.userId
      await answer(handlers.changeMembers(c.req.valid('param').roomId, { type: 'leave', actorId }))
      return c.body(null, 204)
    },
  )
}
