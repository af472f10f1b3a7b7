import { type Api, createRoute, jsonResponse, problemResponses, serviceOnly, uuid, z } from '@veza/kit/http'
import { answer } from './answer.ts'

/** What the routes call. */
export interface InternalHandlers {
  /** Rejects Rejection `no-such-account`. */
  readName(userId: string): Promise<string>
}

const nameRoute = createRoute({
  method: 'get',
  path: '/internal/v1/auth/accounts/{userId}/name',
  summary: 'What somebody called themselves when they signed up: its event has it sealed',
  request: { params: z.object({ userId: uuid }) },
  responses: {
    200: jsonResponse('The name', z.object({ displayName: z.string() })),
    ...problemResponses(400, 401, 404, 503),
  },
})

/** Mounts the API for Veza's own processes. Its listener is never behind the gateway. */
export const mountInternal = (app: Api, token: string, handlers: InternalHandlers): void => {
  app.use('/internal/v1/auth/accounts/*', serviceOnly(token))
  app.openapi(nameRoute, async (c) =>
    c.json({ displayName: await answer(handlers.readName(c.req.valid('param').userId)) }, 200),
  )
}
