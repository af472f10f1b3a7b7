import { context } from '@opentelemetry/api'
import { type Api, bearer, createRoute, jsonBody, jsonResponse, problemResponses, z } from '@veza/kit/http'
import { traceparent } from '@veza/kit/telemetry'
import { type TokenVerifier } from '@veza/kit/tokens'
import { type Report } from '../adapters/publish.ts'
import { type Playback } from '../commands/start-playback.ts'
import { answer } from './answer.ts'

/** What the routes call. */
export interface PlaybackHandlers {
  startPlayback(trackId: string, listener: { userId: string; moderator: boolean }): Promise<Playback>
  reportListening(
    session: string,
    report: Report,
    from: { listenerId: string; address: string | undefined },
    traceparent: string | undefined,
  ): Promise<void>
}

const trackParams = z.object({
  trackId: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'A lower-case UUID'),
})
const url = z.string().openapi({ format: 'uri' })
const playback = z
  .object({
    hlsUrl: url.openapi({ description: 'The master playlist. It and all below it need no token' }),
    progressiveUrl: url.openapi({ description: 'The same as one file, for players that know no HLS' }),
    expiresAt: z.iso.datetime(),
    sessionId: z.string().openapi({ description: 'For reports. Opaque' }),
  })
  .openapi('Playback')

const day = 24 * 60 * 60
const report = z
  .object({
    sessionId: z.string().max(256),
    position: z.number().min(0).max(day).openapi({ description: 'Seconds from the beginning of the track' }),
    state: z.enum(['playing', 'paused', 'ended']),
  })
  .openapi('ListeningReport')

/**
 * Mounts the beginning of a playback and the reports of players.
 *
 * @param publicUrl base of the URLs that are given out; undefined: as the request names us
 */
export const mountPlayback = (
  app: Api,
  verifier: TokenVerifier,
  handlers: PlaybackHandlers,
  publicUrl: string | undefined,
): void => {
  const common = { tags: ['listening'], security: [{ bearer: [] }], middleware: bearer(verifier) }

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/tracks/{trackId}/playback',
      summary: 'Begin to hear a track',
      request: { params: trackParams },
      responses: {
        201: jsonResponse('Where to hear it', playback),
        ...problemResponses(400, 401, 404, 409, 503),
      },
    }),
    async (c) => {
      const { userId, roles } = c.var.identity
      const moderator = roles.includes('moderator') || roles.includes('admin')
      const { trackId } = c.req.valid('param')
      const { pass, expiresAt } = await answer(handlers.startPlayback(trackId, { userId, moderator }))
      const base = new URL(`/v1/streams/${pass}/`, publicUrl ?? c.req.url)
      return c.json(
        {
          hlsUrl: new URL('master.m3u8', base).href,
          progressiveUrl: new URL('progressive.mp4', base).href,
          expiresAt: expiresAt.toISOString(),
          sessionId: pass,
        },
        201,
      )
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/listening',
      summary: 'Say how far somebody listens',
      description: 'By a player: when it starts, every ten seconds, when it is paused, and at the end.',
      request: { body: jsonBody(report) },
      responses: { 202: { description: 'Taken' }, ...problemResponses(400, 401, 403, 410, 503) },
    }),
    async (c) => {
      const { sessionId, ...rest } = c.req.valid('json')
      const parent = traceparent(context.active())
      const from = { listenerId: c.var.identity.userId, address: c.var.clientAddress }
      await answer(handlers.reportListening(sessionId, rest, from, parent))
      return c.body(null, 202)
    },
  )
}
