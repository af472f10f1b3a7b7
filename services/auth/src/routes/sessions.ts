import { type Api, createRoute, jsonResponse, problemResponses, z, idempotencyHeader } from '@veza/kit/http'
import { type SignedInCaller } from '../commands/deps.ts'
import { type OwnSession } from '../queries/account.ts'
import { answer } from './answer.ts'
import { signedInCallerOf } from './caller.ts'
import { id, time } from './fields.ts'
import { type OnceMiddleware } from './signed-in.ts'

/** What the routes call. */
export interface SessionHandlers {
  readSessions(userId: string): Promise<OwnSession[]>
  revokeSession(sessionId: string, caller: SignedInCaller): Promise<void>
  revokeAllSessions(caller: SignedInCaller): Promise<void>
}

const session = z
  .object({
    id,
    current: z.boolean().openapi({ description: 'The one that asks' }),
    method: z.string().openapi({ description: 'How it was signed in to: registration, password or oidc' }),
    address: z.string().nullable().openapi({ description: 'Network address that it was started from' }),
    client: z.string().nullable().openapi({ description: 'What the program called itself (User-Agent)' }),
    startedAt: time,
    refreshedAt: time.openapi({ description: 'When it was used last, to within 10 minutes' }),
    expiresAt: time.openapi({ description: 'When it ends if it is not used' }),
  })
  .openapi('Session')

/** Mounts a person's own sessions. */
export const mountSessions = (app: Api, middleware: OnceMiddleware, handlers: SessionHandlers): void => {
  const common = { tags: ['sessions'], security: [{ bearer: [] }], middleware }
  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/auth/sessions',
      summary: 'Where you are signed in',
      responses: {
        200: jsonResponse(
          'At most 200 sessions, the one that was used last first',
          z.object({ sessions: z.array(session) }).openapi('Sessions'),
        ),
        ...problemResponses(401, 503),
      },
    }),
    async (c) => {
      const { userId, sessionId } = c.var.identity
      const sessions = await answer(handlers.readSessions(userId))
      return c.json({ sessions: sessions.map((own) => ({ ...own, current: own.id === sessionId })) }, 200)
    },
  )
  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/auth/sessions/{id}',
      summary: 'Sign out one session',
      description:
        'Its WebSocket connections are closed. Its access tokens run out by themselves, in 10 minutes.',
      request: { headers: idempotencyHeader, params: z.object({ id }) },
      responses: { 204: { description: 'It has ended' }, ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      await answer(handlers.revokeSession(c.req.valid('param').id, signedInCallerOf(c)))
      return c.body(null, 204)
    },
  )
  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/auth/sessions',
      summary: 'Sign out everywhere, here too',
      responses: { 204: { description: 'All sessions have ended' }, ...problemResponses(401, 503) },
    }),
    async (c) => {
      await answer(handlers.revokeAllSessions(signedInCallerOf(c)))
      return c.body(null, 204)
    },
  )
}
