import { type EventMetadata } from '@veza/kit/events'
import {
  type Api,
  countField,
  createRoute,
  jsonBody,
  jsonResponse,
  nextCursor,
  problemResponses,
  requestMetadata,
  uuid,
  z,
  type CallerMiddleware,
  idempotencyHeader,
} from '@veza/kit/http'
import { Rejection } from '../domain/rejection.ts'
import { type TrackCommand } from '../domain/track.ts'
import { type Actor } from '../domain/visibility.ts'
import { type FeedPlace, type FeedTrack } from '../queries/feed.ts'
import { mostHits } from '../queries/search.ts'
import { type TrackView } from '../queries/track-view.ts'
import { type Among, mostOfPage, type TrackPage } from '../queries/tracks.ts'
import { answer } from './answer.ts'
import { changes, cursors, labelled, labelsOf } from './fields.ts'
import { actorOf, expectedVersion, trackFields, trackJson, trackPage } from './track-json.ts'

/** What the routes call. */
export interface TrackHandlers {
  getTrack(trackId: string, actor: Actor): Promise<TrackView & { likes: number; liked: boolean }>
  listTracks(of: Among, actor: Actor, page: TrackPage): Promise<TrackView[]>
  searchTracks(
    words: string,
    of: Among,
    actor: Actor,
    page: { offset: number; limit: number },
  ): Promise<TrackView[]>
  readFeed(actor: Actor, page: { after: FeedPlace | undefined; limit: number }): Promise<FeedTrack[]>
  changeTrack(
    trackId: string,
    command: Extract<TrackCommand, { type: 'edit' | 'delete' }>,
    options: { metadata: EventMetadata; expectedVersion?: number | undefined },
  ): Promise<void>
  likeTrack(trackId: string, userId: string, liked: boolean): Promise<void>
  /** The stored waveform's bytes, in the form that is asked for. */
  readWaveform(media: string, form: 'json' | 'binary'): Promise<Buffer | undefined>
  now(): Date
}

const trackWithLikes = z
  .object({ ...trackFields, likes: z.int(), liked: z.boolean().openapi({ description: 'By the caller' }) })
  .openapi('TrackWithLikes')
const trackParams = z.object({ trackId: uuid })

/** Mounts tracks: finding, seeing, changing, liking. */
export const mountTracks = (app: Api, middleware: CallerMiddleware, handlers: TrackHandlers): void => {
  const common = { tags: ['tracks'], security: [{ bearer: [] }], middleware }

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/tracks',
      summary: 'Find tracks',
      description:
        'Of everybody, of one owner, what the caller likes (`scope=liked`), or (`scope=mine`) their own in whatever state. ' +
        'With `q`, those with these words, the best first; where they are few, then those with words that are nearly these; ' +
        `of the ${mostHits} youngest hits. "Words in quotes" stand together, -words are not there. Without it, the youngest first. ` +
        'With `genre` or `tag`, those that have just this one, whatever its accents and case.',
      request: {
        query: z.object({
          q: z
            .string()
            .trim()
            .min(1)
            .max(200)
            .regex(/^[^\0]*$/, 'No NUL')
            .optional(),
          scope: z.enum(['public', 'mine', 'liked']).default('public'),
          owner: uuid.optional(),
          ...labelled,
          cursor: cursors.tracks.field.optional(),
          limit: countField(1, mostOfPage, 20),
        }),
      },
      responses: { 200: jsonResponse('A page of tracks', trackPage), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const { q, scope, owner, genre, tag, cursor: from, limit } = c.req.valid('query')
      const actor = actorOf(c.var.identity)
      const of = { scope, ownerId: owner, labels: labelsOf({ genre, tag }) }
      if (q !== undefined) {
        const offset = from !== undefined && 'offset' in from ? from.offset : 0
        const tracks = await answer(handlers.searchTracks(q, of, actor, { offset, limit }))
        const more = tracks.length === limit && offset + limit < mostHits
        return c.json(
          {
            tracks: tracks.map(trackJson),
            next: more ? cursors.tracks.write({ offset: offset + limit }) : null,
          },
          200,
        )
      }
      const after = from !== undefined && 'after' in from ? from.after : undefined
      const tracks = await answer(handlers.listTracks(of, actor, { after, limit }))
      const next = nextCursor(tracks, limit, ({ id }) => cursors.tracks.write({ after: id }))
      return c.json({ tracks: tracks.map(trackJson), next }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/feed',
      summary: 'What those whom one follows publish',
      description: 'Public tracks and those for followers, what came last first.',
      request: {
        query: z.object({ cursor: cursors.feed.field.optional(), limit: countField(1, mostOfPage, 20) }),
      },
      responses: { 200: jsonResponse('A page of tracks', trackPage), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const { cursor: after, limit } = c.req.valid('query')
      const tracks = await answer(handlers.readFeed(actorOf(c.var.identity), { after, limit }))
      const next = nextCursor(tracks, limit, cursors.feed.write)
      return c.json({ tracks: tracks.map(trackJson), next }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/tracks/{trackId}',
      summary: 'A track',
      request: { params: trackParams },
      responses: { 200: jsonResponse('The track', trackWithLikes), ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const found = await answer(handlers.getTrack(c.req.valid('param').trackId, actorOf(c.var.identity)))
      const { likes, liked, ...view } = found
      return c.json({ ...trackJson(view), likes, liked }, 200, { etag: `"${view.version}"` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/tracks/{trackId}/waveform',
      summary: "A track's waveform",
      description:
        'The lowest and highest sample of at most 1,800 stretches, in the forms of BBC audiowaveform: JSON, or with ' +
        '`Accept: application/octet-stream` binary.',
      request: { params: trackParams },
      responses: {
        200: {
          description: 'The waveform',
          content: {
            'application/json': { schema: z.object({ length: z.int(), data: z.array(z.int()) }).loose() },
            'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) },
          },
        },
        ...problemResponses(400, 401, 404, 409, 503),
      },
    }),
    async (c) => {
      const { media } = await answer(handlers.getTrack(c.req.valid('param').trackId, actorOf(c.var.identity)))
      const binary = c.req.header('accept')?.includes('application/octet-stream') === true
      const bytes =
        media === null ? undefined : await handlers.readWaveform(media, binary ? 'binary' : 'json')
      if (bytes === undefined) return answer(Promise.reject(new Rejection('track-not-ready')))
      return c.body(new Uint8Array(bytes), 200, {
        'content-type': binary ? 'application/octet-stream' : 'application/json',
        'cache-control': 'private, max-age=3600',
        vary: 'accept',
      })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'patch',
      path: '/v1/tracks/{trackId}',
      summary: 'Change what a track says of itself, or who may hear it',
      description: 'With If-Match of a version, only that one is changed: 409 `version-conflict` otherwise.',
      request: {
        headers: idempotencyHeader,
        params: trackParams,
        body: jsonBody(z.object(changes).partial().strict().openapi('TrackChanges')),
      },
      responses: {
        200: jsonResponse('The track', trackWithLikes),
        ...problemResponses(400, 401, 403, 404, 409, 503),
      },
    }),
    async (c) => {
      const { trackId } = c.req.valid('param')
      const actor = actorOf(c.var.identity)
      const given = Object.entries(c.req.valid('json')).filter(([, value]) => value !== undefined)
      await answer(
        handlers.changeTrack(
          trackId,
          { type: 'edit', actor, changes: Object.fromEntries(given), at: handlers.now() },
          { metadata: requestMetadata(c), expectedVersion: expectedVersion(c.req.header('if-match')) },
        ),
      )
      const { likes, liked, ...view } = await answer(handlers.getTrack(trackId, actor))
      return c.json({ ...trackJson(view), likes, liked }, 200, { etag: `"${view.version}"` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/tracks/{trackId}',
      summary: 'Delete a track',
      description:
        'By its owner, or by a moderator. Whoever hears it now hears no further segment within seconds.',
      request: { headers: idempotencyHeader, params: trackParams },
      responses: { 204: { description: 'It is gone' }, ...problemResponses(400, 401, 403, 404, 503) },
    }),
    async (c) => {
      await answer(
        handlers.changeTrack(
          c.req.valid('param').trackId,
          { type: 'delete', actor: actorOf(c.var.identity), at: handlers.now() },
          { metadata: requestMetadata(c) },
        ),
      )
      return c.body(null, 204)
    },
  )

  for (const [method, liked] of [
    ['put', true],
    ['delete', false],
  ] as const)
    app.openapi(
      createRoute({
        ...common,
        method,
        path: '/v1/tracks/{trackId}/like',
        summary: liked ? 'Like a track' : 'Take a like back',
        request: { headers: idempotencyHeader, params: trackParams },
        responses: { 204: { description: 'Done, or done before' }, ...problemResponses(400, 401, 404, 503) },
      }),
      async (c) => {
        const { trackId } = c.req.valid('param')
        await answer(handlers.getTrack(trackId, actorOf(c.var.identity)))
        await answer(handlers.likeTrack(trackId, c.var.identity.userId, liked))
        return c.body(null, 204)
      },
    )
}
