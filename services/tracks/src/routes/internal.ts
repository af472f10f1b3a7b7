import {
  type Api,
  createRoute,
  jsonBody,
  jsonResponse,
  Problem,
  problemResponses,
  serviceOnly,
  uuid as id,
  z,
} from '@veza/kit/http'
import { type Actor } from '../domain/visibility.ts'
import { type Hearing } from '../queries/hearable.ts'
import { type Playable } from '../queries/tracks.ts'
import { answer } from './answer.ts'

/** What the routes call. */
export interface InternalHandlers {
  /** undefined: there is nothing to hear yet. */
  readPlayable(trackId: string, actor: Actor): Promise<Playable | undefined>
  readListed(trackIds: readonly string[], userId?: string): Promise<string[]>
  /** In the order of the pairs. */
  readHearable(pairs: readonly Hearing[]): Promise<boolean[]>
}

const playableRoute = createRoute({
  method: 'post',
  path: '/internal/v1/tracks/playable',
  summary: 'Where the stream of a track lies, when this person may hear it',
  request: { body: jsonBody(z.object({ trackId: id, userId: id, moderator: z.boolean() })) },
  responses: {
    200: jsonResponse(
      'The stream',
      z.object({ trackId: id, ownerId: id, media: z.string(), durationMs: z.int() }),
    ),
    ...problemResponses(400, 401, 404, 409, 503),
  },
})
const listedRoute = createRoute({
  method: 'post',
  path: '/internal/v1/tracks/listed',
  summary: 'Which of these tracks everybody may find, or this person',
  request: {
    body: jsonBody(z.object({ trackIds: z.array(id).min(1).max(1_000), userId: id.optional() })),
  },
  responses: {
    200: jsonResponse('Those', z.object({ trackIds: z.array(id) })),
    ...problemResponses(400, 401, 503),
  },
})
const hearableRoute = createRoute({
  method: 'post',
  path: '/internal/v1/tracks/hearable',
  summary: 'Whether these people may hear these tracks now',
  request: {
    body: jsonBody(
      z.object({
        pairs: z
          .array(z.object({ trackId: id, userId: id }))
          .min(1)
          // Of 98 bytes each, within what a body may have.
          .max(500),
      }),
    ),
  },
  responses: {
    200: jsonResponse('In the order of the pairs', z.object({ hearable: z.array(z.boolean()) })),
    ...problemResponses(400, 401, 503),
  },
})

/** Mounts the API for Veza's own processes. Its listener is never behind the gateway. */
export const mountInternal = (app: Api, token: string, handlers: InternalHandlers): void => {
  app.use('/internal/v1/tracks/*', serviceOnly(token))
  app.openapi(playableRoute, async (c) => {
    const { trackId, ...actor } = c.req.valid('json')
    const playable = await answer(handlers.readPlayable(trackId, actor))
    if (playable === undefined)
      throw new Problem(409, 'track-not-ready', 'There is no stream of this track yet')
    return c.json(playable, 200)
  })
  app.openapi(listedRoute, async (c) => {
    const { trackIds, userId } = c.req.valid('json')
    return c.json({ trackIds: await answer(handlers.readListed(trackIds, userId)) }, 200)
  })
  app.openapi(hearableRoute, async (c) =>
    c.json({ hearable: await answer(handlers.readHearable(c.req.valid('json').pairs)) }, 200),
  )
}
