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
import { type Actor } from '../domain/track.ts'
import { type Playable } from '../queries/tracks.ts'
import { answer } from './answer.ts'

/** What the routes call. */
export interface InternalHandlers {
  /** undefined: there is nothing to hear yet. */
  readPlayable(trackId: string, actor: Actor): Promise<Playable | undefined>
}

const playableRoute = createRoute({
  method: 'post',
  path: '/internal/v1/tracks/playable',
  summary: 'Where the stream of a track lies, when this person may hear it',
  request: { body: jsonBody(z.object({ trackId: id, userId: id, moderator: z.boolean() })) },
  responses: {
    200: jsonResponse('The stream', z.object({ trackId: id, media: z.string(), durationMs: z.int() })),
    ...problemResponses(400, 401, 404, 409, 503),
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
}
