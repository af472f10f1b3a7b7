import {
  type Api,
  bearer,
  countField,
  createRoute,
  jsonResponse,
  Problem,
  problemResponses,
  uuid,
  z,
} from '@veza/kit/http'
import { type TokenVerifier } from '@veza/kit/tokens'
import { type Question } from '../adapters/tracks-api.ts'
import {
  type OwnedStats,
  type PlatformDay,
  type RoomStats,
  type TrackStats,
  type Trending,
} from '../queries/statistics.ts'
import { answer } from './answer.ts'

/** What the routes call. */
export interface StatisticsHandlers {
  readTrackStats(question: Question, days: number): Promise<TrackStats>
  readTrending(userId: string, limit: number): Promise<Trending[]>
  readOwned(ownerId: string, days: number, limit: number): Promise<OwnedStats>
  readRoomStats(roomId: string, userId: string, days: number): Promise<RoomStats>
  readDays(days: number): Promise<PlatformDay[]>
}

const count = z.int().min(0)
const day = z.iso.date().openapi({ description: 'UTC', example: '2026-11-24' })
const listeners = count.openapi({
  description:
    'Different listeners of this day, estimated. They can not be told apart across days: do not add days up',
})
const counted = {
  plays: count,
  listenedSeconds: count,
  apart: z
    .object({ impossible: count, overlapping: count, burst: count })
    .openapi({ description: 'Plays that do not count, by what is wrong with them' }),
}
const ruleVersion = z.int().openapi({ description: 'Of the rule by which plays are counted' })
const trackStats = z
  .object({
    trackId: uuid,
    ruleVersion,
    ...counted,
    listeningNow: count,
    days: z.array(z.object({ day, ...counted, listeners })),
  })
  .openapi('TrackStats')
const trending = z.object({
  tracks: z.array(
    z.object({
      trackId: uuid,
      score: z.number().openapi({ description: 'Plays, each worth half after every day' }),
      plays: count,
    }),
  ),
})
const owned = z
  .object({
    ruleVersion,
    total: z.object(counted),
    days: z.array(z.object({ day, ...counted })),
    tracks: z.array(z.object({ trackId: uuid, ...counted })),
  })
  .openapi('OwnedStats')
const roomStats = z
  .object({
    roomId: uuid,
    days: z.array(z.object({ day, messages: count, reactions: count, people: listeners })),
    hours: z.array(z.object({ hour: z.iso.datetime(), messages: count, reactions: count })),
  })
  .openapi('RoomStats')
const platformDays = z.object({
  days: z.array(
    z.object({
      day,
      ...counted,
      ...{ listeners, tracks: count, messages: count, reactions: count, rooms: count },
    }),
  ),
})

const days = countField(1, 366, 30)

/** Mounts what is counted: of tracks, of rooms, of an owner's tracks and of the platform. */
export const mountStatistics = (app: Api, verifier: TokenVerifier, handlers: StatisticsHandlers): void => {
  const common = { tags: ['statistics'], security: [{ bearer: [] }], middleware: bearer(verifier) }
  const isModerator = (roles: readonly string[]) => roles.includes('moderator') || roles.includes('admin')

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/tracks/{trackId}/stats',
      summary: 'How much a track is heard',
      request: { params: z.object({ trackId: uuid }), query: z.object({ days }) },
      responses: {
        200: jsonResponse('Its counts', trackStats),
        ...problemResponses(400, 401, 404, 409, 503),
      },
    }),
    async (c) => {
      const { userId, roles } = c.var.identity
      const { trackId } = c.req.valid('param')
      const question = { trackId, userId, moderator: isModerator(roles) }
      const stats = await answer(handlers.readTrackStats(question, c.req.valid('query').days))
      return c.json({ ...stats, days: [...stats.days] }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/trending',
      summary: 'Tracks that are heard much of late',
      request: { query: z.object({ limit: countField(1, 100, 20) }) },
      responses: { 200: jsonResponse('The most heard first', trending), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const { limit } = c.req.valid('query')
      return c.json({ tracks: await answer(handlers.readTrending(c.var.identity.userId, limit)) }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/users/me/track-stats',
      summary: "How much the caller's own tracks are heard",
      request: { query: z.object({ days, limit: countField(1, 200, 50) }) },
      responses: { 200: jsonResponse('Their counts', owned), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const query = c.req.valid('query')
      const stats = await answer(handlers.readOwned(c.var.identity.userId, query.days, query.limit))
      return c.json({ ...stats, days: [...stats.days], tracks: [...stats.tracks] }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/rooms/{roomId}/stats',
      summary: 'How busy a room is, for its members',
      request: { params: z.object({ roomId: uuid }), query: z.object({ days }) },
      responses: { 200: jsonResponse('Its counts', roomStats), ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const { roomId } = c.req.valid('param')
      const query = c.req.valid('query')
      const stats = await answer(handlers.readRoomStats(roomId, c.var.identity.userId, query.days))
      return c.json({ ...stats, days: [...stats.days], hours: [...stats.hours] }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/statistics/days',
      summary: 'The platform day by day, for moderators',
      request: { query: z.object({ days }) },
      responses: {
        200: jsonResponse('The latest first', platformDays),
        ...problemResponses(400, 401, 403, 503),
      },
    }),
    async (c) => {
      if (!isModerator(c.var.identity.roles))
        throw new Problem(403, 'not-moderator', 'Only moderators of Veza may do this')
      return c.json({ days: await answer(handlers.readDays(c.req.valid('query').days)) }, 200)
    },
  )
}
