import { type EventMetadata } from '@veza/kit/events'
import {
  type Api,
  type CallerMiddleware,
  createRoute,
  idempotencyHeader,
  jsonResponse,
  Problem,
  problemResponses,
  requestMetadata,
  uuid,
  z,
} from '@veza/kit/http'
import { maxPictureBytes, pictureTypes } from '@veza/kit/pictures'
import { type CoverSize, coverSizes } from '../adapters/covers.ts'
import { type Actor } from '../domain/visibility.ts'
import { answer } from './answer.ts'
import { actorOf, coverOf, trackFields } from './track-json.ts'

/** What the routes call. */
export interface CoverHandlers {
  /** null takes it away. */
  changeCover(
    trackId: string,
    actor: Actor,
    picture: Uint8Array | null,
    metadata: EventMetadata,
  ): Promise<string | null>
  /** WebP; undefined: the track has no such picture. */
  readCover(trackId: string, cover: string, size: CoverSize): Promise<Buffer | undefined>
}

/** Bodies that are larger than others': bytes, by route. */
export const bodyLimits = { 'PUT /v1/tracks/:id/cover': maxPictureBytes }

const path = '/v1/tracks/{trackId}/cover'
const params = z.object({ trackId: uuid })
const binary = z.string().openapi({ type: 'string', format: 'binary' })

const sizeOf = (file: string): CoverSize | undefined => coverSizes.find((size) => `${size}.webp` === file)

/** Mounts the pictures of tracks. */
export const mountCover = (app: Api, middleware: CallerMiddleware, handlers: CoverHandlers): void => {
  const common = { tags: ['tracks'], security: [{ bearer: [] }], middleware }

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path,
      summary: "Set a track's picture",
      description:
        'The body is a PNG, JPEG or WebP of at most 8 MiB and 24 megapixels. It is cut to a square, encoded anew as WebP ' +
        `in ${coverSizes.join(', ')} pixels, and kept without anything that the file says beside the picture. A file that ` +
        'is uploaded with a picture in it has that one from the start.',
      request: {
        headers: idempotencyHeader,
        params,
        body: {
          required: true,
          content: Object.fromEntries(pictureTypes.map((type) => [type, { schema: binary }])),
        },
      },
      responses: {
        200: jsonResponse('Where it is', z.object({ cover: trackFields.cover }).openapi('CoverChanged')),
        ...problemResponses(400, 401, 403, 404, 409, 413, 415, 503),
      },
    }),
    async (c) => {
      const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
      if (!pictureTypes.some((known) => known === type))
        throw new Problem(415, 'unsupported-media-type', `The body must be ${pictureTypes.join(', ')}`)
      const { trackId } = c.req.valid('param')
      const picture = new Uint8Array(await c.req.arrayBuffer())
      const cover = await answer(
        handlers.changeCover(trackId, actorOf(c.var.identity), picture, requestMetadata(c)),
      )
      return c.json({ cover: coverOf(trackId, cover) }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path,
      summary: "Take a track's picture away",
      request: { headers: idempotencyHeader, params },
      responses: {
        204: { description: 'There is none' },
        ...problemResponses(400, 401, 403, 404, 409, 503),
      },
    }),
    async (c) => {
      const { trackId } = c.req.valid('param')
      await answer(handlers.changeCover(trackId, actorOf(c.var.identity), null, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      tags: ['tracks'],
      method: 'get',
      path: '/v1/tracks/{trackId}/covers/{coverId}/{file}',
      summary: "A track's picture",
      description:
        'Needs no token: the address is not to be guessed, and an <img> has none to show. It ends with the track, with ' +
        'another picture, and while the track is taken down.',
      request: { params: z.object({ trackId: uuid, coverId: uuid, file: z.string().max(16) }) },
      responses: {
        200: { description: 'The picture', content: { 'image/webp': { schema: binary } } },
        304: { description: 'It is the one that the client has' },
        ...problemResponses(400, 404, 503),
      },
    }),
    async (c) => {
      const { trackId, coverId, file } = c.req.valid('param')
      const size = sizeOf(file)
      const content =
        size === undefined ? undefined : await answer(handlers.readCover(trackId, coverId, size))
      if (content === undefined) throw new Problem(404, 'not-found', 'There is no such picture')
      const headers = {
        etag: `"${coverId}/${file}"`,
        'content-type': 'image/webp',
        // A picture never changes, but its track may be deleted: no copy is to outlive that by more than a day.
        'cache-control': 'public, max-age=86400, immutable',
        'cross-origin-resource-policy': 'cross-origin',
      }
      if (c.req.header('if-none-match') === headers.etag) return c.body(null, 304, headers)
      return c.body(new Uint8Array(content), 200, headers)
    },
  )
}
