import { type Api, createRoute, jsonBody, Problem, problemResponses, serviceToken, z } from '@veza/kit/http'

/** What the routes call. */
export interface InternalHandlers {
  /** Has connections closed at every edge; rejects when the edges can't be told. */
  disconnect(userId: string, sessionId: string | undefined, mayReturn: boolean): Promise<void>
}

const disconnectRoute = createRoute({
  method: 'post',
  path: '/internal/v1/disconnect',
  summary: "Closes a user's connections, at whichever edge they are",
  request: {
    body: jsonBody(
      z.object({
        userId: z.uuid().toLowerCase(),
        sessionId: z
          .uuid()
          .toLowerCase()
          .optional()
          .openapi({ description: 'Only the connections of this session' }),
        mayReturn: z
          .boolean()
          .default(false)
          .openapi({ description: 'Clients are told to connect again (3011) or not to (3503)' }),
      }),
    ),
  },
  responses: { 202: { description: 'All edges will be told' }, ...problemResponses(400, 401, 503) },
})

/** Mounts the API for Veza's own processes. Its listener is never behind the gateway. */
export const mountInternal = (app: Api, token: string, handlers: InternalHandlers): void => {
  const check = serviceToken(token)
  app.use('/internal/*', async (c, next) => {
    check(c.req.header('authorization'))
    await next()
  })
  app.openapi(disconnectRoute, async (c) => {
    const { userId, sessionId, mayReturn } = c.req.valid('json')
    try {
      await handlers.disconnect(userId, sessionId, mayReturn)
    } catch (cause) {
      throw new Problem(503, 'unavailable', 'The other edges can not be told', {
        headers: { 'retry-after': '1' },
        cause,
      })
    }
    return c.body(null, 202)
  })
}
