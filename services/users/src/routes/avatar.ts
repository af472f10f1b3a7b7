import {
  type Api,
  createRoute,
  jsonResponse,
  Problem,
  problemResponses,
  uuid,
  z,
  type CallerMiddleware,
  idempotencyHeader,
} from '@veza/kit/http'
import { maxPictureBytes, pictureTypes } from '@veza/kit/pictures'
import { type AvatarSize, avatarSizes } from '../adapters/schema.ts'
import { type Caller } from '../commands/deps.ts'
import { type ChangedUser } from '../commands/on-user.ts'
import { answer } from './answer.ts'
import { callerOf } from './caller.ts'
import { avatarOf } from './schemas.ts'

/** What the routes call. */
export interface AvatarHandlers {
  changeAvatar(caller: Caller, picture: Uint8Array | null): Promise<ChangedUser>
  /** WebP. */
  readAvatar(avatarId: string, size: AvatarSize): Promise<Buffer | undefined>
}

const path = '/v1/users/me/avatar'

/** Bodies that are larger than others': bytes, by route. */
export const bodyLimits = { [`PUT ${path}`]: maxPictureBytes }

const binary = z.string().openapi({ type: 'string', format: 'binary' })

const sizeOf = (text: string): AvatarSize | undefined => avatarSizes.find((size) => `${size}.webp` === text)

/** Mounts people's pictures. */
export const mountAvatar = (app: Api, middleware: CallerMiddleware, handlers: AvatarHandlers): void => {
  const common = { tags: ['users'], security: [{ bearer: [] }], middleware }
  const addresses = z.object({ avatar: z.record(z.string(), z.string()).nullable() }).openapi('AvatarChanged')

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path,
      summary: 'Set your picture',
      description:
        'The body is a PNG, JPEG or WebP of at most 8 MiB and 24 megapixels. It is cut to a square, encoded anew as WebP ' +
        `in ${avatarSizes.join(', ')} pixels, and kept without anything that the file says beside the picture.`,
      request: {
        headers: idempotencyHeader,
        body: {
          required: true,
          content: Object.fromEntries(pictureTypes.map((type) => [type, { schema: binary }])),
        },
      },
      responses: {
        200: jsonResponse('Where it is', addresses),
        ...problemResponses(400, 401, 409, 410, 413, 415, 503),
      },
    }),
    async (c) => {
      const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
      if (!pictureTypes.some((known) => known === type))
        throw new Problem(415, 'unsupported-media-type', `The body must be ${pictureTypes.join(', ')}`)
      const caller = callerOf(c)
      const picture = new Uint8Array(await c.req.arrayBuffer())
      const { state } = await answer(handlers.changeAvatar(caller, picture))
      return c.json({ avatar: avatarOf(caller.userId, state.avatarId) }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path,
      summary: 'Take your picture away',
      request: { headers: idempotencyHeader },
      responses: { 204: { description: 'There is none' }, ...problemResponses(401, 409, 410, 503) },
    }),
    async (c) => {
      await answer(handlers.changeAvatar(callerOf(c), null))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      tags: ['users'],
      method: 'get',
      path: '/v1/users/{userId}/avatars/{avatarId}/{file}',
      summary: 'A picture',
      description: 'Needs no token: the address is not to be guessed, and an <img> has none to show.',
      request: { params: z.object({ userId: uuid, avatarId: uuid, file: z.string().max(16) }) },
      responses: {
        200: { description: 'The picture', content: { 'image/webp': { schema: binary } } },
        ...problemResponses(400, 404, 503),
      },
    }),
    async (c) => {
      const { avatarId, file } = c.req.valid('param')
      const size = sizeOf(file)
      const content = size === undefined ? undefined : await answer(handlers.readAvatar(avatarId, size))
      if (content === undefined) throw new Problem(404, 'not-found', 'There is no such picture')
      return c.body(new Uint8Array(content), 200, {
        'content-type': 'image/webp',
        // A picture never changes, but it may be erased: no copy is to outlive that by more than a day.
        'cache-control': 'public, max-age=86400, immutable',
      })
    },
  )
}
