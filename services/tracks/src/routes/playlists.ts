import { type EventMetadata } from '@veza/kit/events'
import {
  type Api,
  type CallerMiddleware,
  countField,
  createRoute,
  idempotencyHeader,
  jsonBody,
  jsonResponse,
  nextCursor,
  problemResponses,
  requestMetadata,
  uuid,
  z,
} from '@veza/kit/http'
import { uuidv7 } from '@veza/kit/ids'
import { type Identity } from '@veza/kit/tokens'
import { mostTracks, type PlaylistCommand } from '../domain/playlist.ts'
import { type Actor } from '../domain/visibility.ts'
import { type PlaylistView } from '../queries/playlists.ts'
import { type TrackView } from '../queries/track-view.ts'
import { answer } from './answer.ts'
import { cursors, playlistChanges, playlistTracks } from './fields.ts'
import { actorOf, expectedVersion, track, trackJson } from './track-json.ts'

/** What the routes call. */
export interface PlaylistHandlers {
  getPlaylist(
    playlistId: string,
    actor: Actor,
  ): Promise<PlaylistView & { readonly tracks: readonly TrackView[] }>
  listPlaylists(
    ownerId: string,
    actor: Actor,
    page: { after: string | undefined; limit: number },
  ): Promise<PlaylistView[]>
  changePlaylist(
    playlistId: string,
    command: PlaylistCommand,
    options: { metadata: EventMetadata; expectedVersion?: number | undefined },
  ): Promise<void>
  now(): Date
}

const fields = {
  id: uuid,
  ownerId: uuid,
  version: z.int().openapi({ description: 'Rises with every change; for If-Match' }),
  title: z.string(),
  description: z.string(),
  visibility: playlistChanges.visibility,
  length: z.int().openapi({ description: 'Tracks in it, also those that are not for the caller' }),
  changedAt: z.iso.datetime(),
}
const playlist = z.object(fields).openapi('Playlist')
const playlistWithTracks = z
  .object({
    ...fields,
    tracks: z.array(track).openapi({ description: 'Those that the caller may hear, in their order' }),
  })
  .openapi('PlaylistWithTracks')
const playlistPage = z
  .object({ playlists: z.array(playlist), next: z.string().nullable() })
  .openapi('PlaylistPage')

const toJson = ({ changedAt, ...rest }: PlaylistView) => ({ ...rest, changedAt: changedAt.toISOString() })

const params = z.object({ playlistId: uuid })
const trackParams = z.object({ playlistId: uuid, trackId: uuid })
const ifMatch = 'With If-Match of a version, only that one is changed: 409 `version-conflict` otherwise.'

/** What a request asks for, without who asks, and when. */
type Asked = PlaylistCommand extends infer C
  ? C extends PlaylistCommand
    ? Omit<C, 'actorId' | 'at'>
    : never
  : never

interface Caller {
  readonly identity: Identity
  readonly metadata: EventMetadata
  readonly ifMatch: string | undefined
}

const byCaller = (
  c: Parameters<typeof requestMetadata>[0] & {
    readonly var: { readonly identity: Identity }
    readonly req: { header(name: string): string | undefined }
  },
): Caller => ({
  ...{ identity: c.var.identity, metadata: requestMetadata(c), ifMatch: c.req.header('if-match') },
})

/** Mounts playlists: lists of tracks that somebody made, for themselves or for others. */
export const mountPlaylists = (app: Api, middleware: CallerMiddleware, handlers: PlaylistHandlers): void => {
  const common = { tags: ['playlists'], security: [{ bearer: [] }], middleware }

  const shown = async (playlistId: string, actor: Actor) => {
    const { tracks, ...view } = await answer(handlers.getPlaylist(playlistId, actor))
    return { ...toJson(view), tracks: tracks.map(trackJson) }
  }
  const answers = {
    200: jsonResponse('The playlist', playlistWithTracks),
    ...problemResponses(400, 401, 404, 409, 503),
  }

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/playlists',
      summary: 'Make a playlist',
      request: {
        headers: idempotencyHeader,
        body: jsonBody(
          z
            .object({
              title: playlistChanges.title,
              description: playlistChanges.description.default(''),
              visibility: playlistChanges.visibility.default('private'),
            })
            .strict()
            .openapi('NewPlaylist'),
        ),
      },
      responses: {
        201: jsonResponse('The playlist', playlistWithTracks),
        ...problemResponses(400, 401, 503),
      },
    }),
    async (c) => {
      const at = handlers.now()
      const [id, actor] = [uuidv7(at), actorOf(c.var.identity)]
      const command = { type: 'create', id, details: c.req.valid('json'), actorId: actor.userId, at } as const
      await answer(handlers.changePlaylist(id, command, { metadata: requestMetadata(c) }))
      const made = await shown(id, actor)
      return c.json(made, 201, { location: `/v1/playlists/${id}`, etag: `"${made.version}"` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/playlists',
      summary: "Somebody's playlists",
      description: "The newest first: the caller's own, or those of `owner` that the caller may find.",
      request: {
        query: z.object({
          owner: uuid.optional(),
          cursor: cursors.playlists.field.optional(),
          limit: countField(1, 100, 20),
        }),
      },
      responses: {
        200: jsonResponse('A page of playlists', playlistPage),
        ...problemResponses(400, 401, 503),
      },
    }),
    async (c) => {
      const { owner, cursor: after, limit } = c.req.valid('query')
      const actor = actorOf(c.var.identity)
      const found = await answer(handlers.listPlaylists(owner ?? actor.userId, actor, { after, limit }))
      const next = nextCursor(found, limit, ({ id }) => cursors.playlists.write(id))
      return c.json({ playlists: found.map(toJson), next }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/playlists/{playlistId}',
      summary: 'A playlist with its tracks',
      request: { params },
      responses: answers,
    }),
    async (c) => {
      const found = await shown(c.req.valid('param').playlistId, actorOf(c.var.identity))
      return c.json(found, 200, { etag: `"${found.version}"` })
    },
  )

  /** Changes it, then shows what it is now. */
  const changed = async (by: Caller, playlistId: string, asked: Asked) => {
    const actor = actorOf(by.identity)
    const command = { ...asked, actorId: actor.userId, at: handlers.now() }
    const expected = expectedVersion(by.ifMatch)
    await answer(
      handlers.changePlaylist(playlistId, command, { metadata: by.metadata, expectedVersion: expected }),
    )
    return shown(playlistId, actor)
  }

  app.openapi(
    createRoute({
      ...common,
      method: 'patch',
      path: '/v1/playlists/{playlistId}',
      summary: 'Change what a playlist says of itself, or who may find it',
      description: ifMatch,
      request: {
        headers: idempotencyHeader,
        params,
        body: jsonBody(z.object(playlistChanges).partial().strict().openapi('PlaylistChanges')),
      },
      responses: answers,
    }),
    async (c) => {
      const { title, description, visibility } = c.req.valid('json')
      const changes = {
        ...(title !== undefined && { title }),
        ...(description !== undefined && { description }),
        ...(visibility !== undefined && { visibility }),
      }
      const { playlistId } = c.req.valid('param')
      const now = await changed(byCaller(c), playlistId, { type: 'edit', changes })
      return c.json(now, 200, { etag: `"${now.version}"` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/playlists/{playlistId}/tracks',
      summary: 'Say which tracks are in a playlist, and in which order',
      description: ifMatch,
      request: {
        headers: idempotencyHeader,
        params,
        body: jsonBody(z.object({ trackIds: playlistTracks }).strict().openapi('PlaylistTracks')),
      },
      responses: answers,
    }),
    async (c) => {
      const { trackIds } = c.req.valid('json')
      const { playlistId } = c.req.valid('param')
      const now = await changed(byCaller(c), playlistId, { type: 'set-tracks', trackIds })
      return c.json(now, 200, { etag: `"${now.version}"` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/playlists/{playlistId}/tracks/{trackId}',
      summary: 'Put a track into a playlist, or move it in it',
      request: {
        headers: idempotencyHeader,
        params: trackParams,
        body: jsonBody(
          z
            .object({
              position: z
                .int()
                .min(0)
                .max(mostTracks)
                .optional()
                .openapi({ description: 'How many tracks are before it; at the end unless given' }),
            })
            .strict()
            .openapi('PlaylistPosition'),
        ),
      },
      responses: answers,
    }),
    async (c) => {
      const { playlistId, trackId } = c.req.valid('param')
      const { position } = c.req.valid('json')
      const now = await changed(byCaller(c), playlistId, { type: 'put-track', trackId, position })
      return c.json(now, 200, { etag: `"${now.version}"` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/playlists/{playlistId}/tracks/{trackId}',
      summary: 'Take a track out of a playlist',
      request: { headers: idempotencyHeader, params: trackParams },
      responses: answers,
    }),
    async (c) => {
      const { playlistId, trackId } = c.req.valid('param')
      const now = await changed(byCaller(c), playlistId, { type: 'remove-track', trackId })
      return c.json(now, 200, { etag: `"${now.version}"` })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/playlists/{playlistId}',
      summary: 'Delete a playlist',
      request: { headers: idempotencyHeader, params },
      responses: { 204: { description: 'It is gone' }, ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const command = { type: 'delete', actorId: c.var.identity.userId, at: handlers.now() } as const
      const { playlistId } = c.req.valid('param')
      await answer(handlers.changePlaylist(playlistId, command, { metadata: requestMetadata(c) }))
      return c.body(null, 204)
    },
  )
}
