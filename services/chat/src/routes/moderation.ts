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
import { type DismissalInput, type ReportInput } from '../commands/moderate.ts'
import { type RoomCommand, type RoomEvent } from '../domain/room.ts'
import { type BanView, type InvitationView, type ReportView } from '../queries/moderation.ts'
import { type PageInput } from '../queries/rooms.ts'
import { answer } from './answer.ts'
import { blockedWord, count, cursors, id, nextCursor, text } from './fields.ts'

/** What the routes call. */
export interface ModerationHandlers {
  changeRoom(roomId: string, command: RoomCommand, metadata: EventMetadata): Promise<readonly RoomEvent[]>
  reportMessage(input: ReportInput, metadata: EventMetadata): Promise<void>
  dismissReports(input: DismissalInput, metadata: EventMetadata): Promise<void>
  blockWordsEverywhere(actorId: string, words: readonly string[], metadata: EventMetadata): Promise<void>
  listInvitations(userId: string, page: PageInput): Promise<InvitationView[]>
  listBans(roomId: string, userId: string, page: PageInput): Promise<BanView[]>
  listReports(roomId: string, userId: string): Promise<ReportView[]>
  /** @param roomId null: the words that hold everywhere */
  listBlockedWords(roomId: string | null, userId: string): Promise<readonly string[]>
}

const maxMuteSeconds = 365 * 24 * 3600
const maxSlowModeSeconds = 24 * 3600

const roomParams = z.object({ roomId: id })
const userParams = z.object({ roomId: id, userId: id })
const messageParams = z.object({ roomId: id, messageId: id })
const time = z.iso.datetime()
const next = z.string().nullable()
const limit = count(1, 100, 50)
const words = z.object({ words: z.array(blockedWord).max(500) }).openapi('BlockedWords')
const wordList = z.object({ words: z.array(z.string()) }).openapi('BlockedWordList')
const done = {
  204: { description: 'It is so now' },
  ...problemResponses(400, 401, 403, 404, 409, 410, 429, 503),
}

/** What a moderator or an owner asks with nothing but the person's id: the method, the path, and what it means. */
const plain = [
  ['delete', '/v1/rooms/{roomId}/members/{userId}', 'remove-member', 'Remove a member; they may join again'],
  ['put', '/v1/rooms/{roomId}/bans/{userId}', 'ban', 'Shut somebody out, and remove them if they are in'],
  ['delete', '/v1/rooms/{roomId}/bans/{userId}', 'lift-ban', 'Let somebody in again'],
  ['put', '/v1/rooms/{roomId}/invitations/{userId}', 'invite', 'Invite somebody, who may then see and join'],
  [
    'delete',
    '/v1/rooms/{roomId}/invitations/{userId}',
    'withdraw-invitation',
    'Take an invitation back, or decline your own',
  ],
] as const

/** Mounts what is done to members, and what holds for a room. Every change is an event of rooms.events.v1. */
export const mountModeration = (
  app: Api,
  middleware: CallerMiddleware,
  handlers: ModerationHandlers,
): void => {
  const common = { tags: ['moderation'], security: [{ bearer: [] }], middleware }

  for (const [method, path, type, summary] of plain)
    app.openapi(
      createRoute({
        ...common,
        method,
        path,
        summary,
        request: { headers: idempotencyHeader, params: userParams },
        responses: done,
      }),
      async (c) => {
        const { roomId, userId } = c.req.valid('param')
        const actorId = c.var.identity.userId
        await answer(handlers.changeRoom(roomId, { type, actorId, userId }, requestMetadata(c)))
        return c.body(null, 204)
      },
    )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/rooms/{roomId}/members/{userId}/role',
      summary: "Change a member's role, as the owner; giving the room away leaves you a moderator",
      request: {
        headers: idempotencyHeader,
        params: userParams,
        body: jsonBody(z.object({ role: z.enum(['owner', 'moderator', 'member']) }).openapi('NewRole')),
      },
      responses: done,
    }),
    async (c) => {
      const { roomId, userId } = c.req.valid('param')
      const { role } = c.req.valid('json')
      const actorId = c.var.identity.userId
      await answer(
        handlers.changeRoom(roomId, { type: 'set-role', actorId, userId, role }, requestMetadata(c)),
      )
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/rooms/{roomId}/members/{userId}/mute',
      summary: 'Let a member only read for a while; 0 seconds: let them post again',
      request: {
        headers: idempotencyHeader,
        params: userParams,
        body: jsonBody(z.object({ seconds: z.int().min(0).max(maxMuteSeconds) }).openapi('Mute')),
      },
      responses: done,
    }),
    async (c) => {
      const { roomId, userId } = c.req.valid('param')
      const { seconds } = c.req.valid('json')
      const until = seconds === 0 ? null : new Date(Date.now() + seconds * 1000)
      const actorId = c.var.identity.userId
      await answer(handlers.changeRoom(roomId, { type: 'mute', actorId, userId, until }, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'patch',
      path: '/v1/rooms/{roomId}',
      summary: 'Archive a room, as its owner, or set its slow mode, as a moderator',
      request: {
        headers: idempotencyHeader,
        params: roomParams,
        body: jsonBody(
          z
            .object({
              archived: z.boolean().optional(),
              slowModeSeconds: z.int().min(0).max(maxSlowModeSeconds).optional(),
            })
            .openapi('RoomSettings'),
        ),
      },
      responses: done,
    }),
    async (c) => {
      const command = {
        type: 'change-settings',
        actorId: c.var.identity.userId,
        ...c.req.valid('json'),
      } as const
      await answer(handlers.changeRoom(c.req.valid('param').roomId, command, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/rooms/{roomId}/blocked-words',
      summary: 'Set the words that no message of the room may hold',
      description:
        'Whole words or phrases, whatever their case. A message that holds one is refused `blocked-word`.',
      request: { headers: idempotencyHeader, params: roomParams, body: jsonBody(words) },
      responses: done,
    }),
    async (c) => {
      const { roomId } = c.req.valid('param')
      const blocked = [...new Set(c.req.valid('json').words)]
      const actorId = c.var.identity.userId
      await answer(
        handlers.changeRoom(roomId, { type: 'block-words', actorId, words: blocked }, requestMetadata(c)),
      )
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/blocked-words',
      summary: 'The words that no message of the room may hold; for its moderators',
      request: { params: roomParams },
      responses: { 200: jsonResponse('The words', wordList), ...problemResponses(400, 401, 403, 404, 503) },
    }),
    async (c) => {
      const found = await answer(
        handlers.listBlockedWords(c.req.valid('param').roomId, c.var.identity.userId),
      )
      return c.json({ words: [...found] }, 200)
    },
  )

  const assertPlatformModerator = (roles: readonly string[]): void => {
    if (!roles.includes('moderator') && !roles.includes('admin'))
      throw new Problem(403, 'not-moderator', 'Only moderators of Veza may do this')
  }

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/blocked-words',
      summary: 'Set the words that no message of any room may hold; for moderators of Veza',
      description: 'Takes effect within five seconds.',
      request: { headers: idempotencyHeader, body: jsonBody(words) },
      responses: { 204: { description: 'It is so now' }, ...problemResponses(400, 401, 403, 429, 503) },
    }),
    async (c) => {
      const { roles, userId } = c.var.identity
      assertPlatformModerator(roles)
      const blocked = [...new Set(c.req.valid('json').words)]
      await answer(handlers.blockWordsEverywhere(userId, blocked, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/blocked-words',
      summary: 'The words that no message of any room may hold; for moderators of Veza',
      responses: { 200: jsonResponse('The words', wordList), ...problemResponses(401, 403, 503) },
    }),
    async (c) => {
      assertPlatformModerator(c.var.identity.roles)
      const found = await answer(handlers.listBlockedWords(null, c.var.identity.userId))
      return c.json({ words: [...found] }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/bans',
      summary: 'Who is shut out; for moderators',
      request: { params: roomParams, query: z.object({ cursor: cursors.bans.field.optional(), limit }) },
      responses: {
        200: jsonResponse(
          'A page of bans',
          z
            .object({ bans: z.array(z.object({ userId: id, bannedBy: id, bannedAt: time })), next })
            .openapi('BanPage'),
        ),
        ...problemResponses(400, 401, 403, 404, 503),
      },
    }),
    async (c) => {
      const { cursor, limit } = c.req.valid('query')
      const { roomId } = c.req.valid('param')
      const page = await answer(handlers.listBans(roomId, c.var.identity.userId, { after: cursor, limit }))
      const bans = page.map((ban) => ({ ...ban, bannedAt: ban.bannedAt.toISOString() }))
      return c.json({ bans, next: nextCursor(page, limit, (last) => cursors.bans.write(last.userId)) }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/invitations',
      summary: 'The rooms that wait for your answer: join them, or decline',
      request: { query: z.object({ cursor: cursors.invitations.field.optional(), limit }) },
      responses: {
        200: jsonResponse(
          'A page of invitations',
          z
            .object({
              invitations: z.array(
                z.object({ roomId: id, roomName: z.string(), invitedBy: id, invitedAt: time }),
              ),
              next,
            })
            .openapi('InvitationPage'),
        ),
        ...problemResponses(400, 401, 503),
      },
    }),
    async (c) => {
      const { cursor, limit } = c.req.valid('query')
      const page = await answer(handlers.listInvitations(c.var.identity.userId, { after: cursor, limit }))
      const invitations = page.map((one) => ({ ...one, invitedAt: one.invitedAt.toISOString() }))
      const next = nextCursor(page, limit, (last) => cursors.invitations.write(last.roomId))
      return c.json({ invitations, next }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/rooms/{roomId}/messages/{messageId}/report',
      summary: "Report a message to the room's moderators; once a person, until one has looked into it",
      request: {
        headers: idempotencyHeader,
        params: messageParams,
        body: jsonBody(z.object({ reason: text(1000) }).openapi('Report')),
      },
      responses: done,
    }),
    async (c) => {
      const input = { ...c.req.valid('param'), ...c.req.valid('json'), actorId: c.var.identity.userId }
      await answer(handlers.reportMessage(input, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/rooms/{roomId}/messages/{messageId}/reports/dismissal',
      summary: 'Find the open reports of a message unfounded; for moderators',
      description: 'The note stands in the audit, for good. Who reported the message may report it again.',
      request: {
        headers: idempotencyHeader,
        params: messageParams,
        body: jsonBody(z.object({ note: text(1000).optional() }).openapi('ReportsDismissal')),
      },
      responses: done,
    }),
    async (c) => {
      const { note = '' } = c.req.valid('json')
      const input = { ...c.req.valid('param'), note, actorId: c.var.identity.userId }
      await answer(handlers.dismissReports(input, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/reports',
      summary:
        'What members reported and no moderator has dismissed, the newest first, at most 100; for moderators',
      request: { params: roomParams },
      responses: {
        200: jsonResponse(
          'Reports',
          z
            .object({
              reports: z.array(
                z.object({ messageId: id, reporterId: id, reason: z.string(), reportedAt: time }),
              ),
            })
            .openapi('ReportList'),
        ),
        ...problemResponses(400, 401, 403, 404, 503),
      },
    }),
    async (c) => {
      const found = await answer(handlers.listReports(c.req.valid('param').roomId, c.var.identity.userId))
      const reports = found.map((report) => ({ ...report, reportedAt: report.reportedAt.toISOString() }))
      return c.json({ reports }, 200)
    },
  )
}
