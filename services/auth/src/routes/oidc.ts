import { type Api, createRoute, jsonBody, jsonResponse, problemResponses, z } from '@veza/kit/http'
import { type Caller } from '../commands/deps.ts'
import { type SignedIn } from '../commands/session.ts'
import { answer } from './answer.ts'
import { callerOf } from './caller.ts'
import { signedIn } from './fields.ts'

/** What the routes call. */
export interface OidcHandlers {
  begin(caller: Caller): Promise<{ authorizationUrl: string; flow: string }>
  finish(input: { flow: string; callbackUrl: string }, caller: Caller): Promise<SignedIn>
}

const flow = z.string().regex(/^[\w-]{43}$/)

/** Mounts sign-in with an outside OpenID Connect provider. */
export const mountOidc = (app: Api, handlers: OidcHandlers): void => {
  const common = { tags: ['auth'] }
  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/auth/oidc/begin',
      summary: 'Begin to sign in with the outside provider',
      description:
        'Keep flow in the browser (session storage), and send it to authorizationUrl. The provider sends it back to ' +
        'the page of OIDC_REDIRECT_URL.',
      responses: {
        200: jsonResponse(
          'A sign-in that can be finished within 10 minutes, once, by whoever holds flow',
          z.object({ authorizationUrl: z.url(), flow }).openapi('OidcBegun'),
        ),
        ...problemResponses(429, 502, 503),
      },
    }),
    async (c) => c.json(await answer(handlers.begin(callerOf(c))), 200),
  )
  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/auth/oidc/finish',
      summary: 'Finish to sign in with the outside provider',
      description:
        'An account with the same e-mail address is linked if the provider vouches for the address (email_verified). ' +
        'If the account itself never verified it, its password is withdrawn and its sessions are ended. After 502 and 503 ' +
        'nothing has happened, and the same may be sent again; if the provider had taken the code by then, that is answered ' +
        'with oidc-refused.',
      request: {
        body: jsonBody(
          z
            .object({
              flow,
              callbackUrl: z
                .url()
                .max(4096)
                .openapi({ description: 'The whole address that the provider sent the browser back to' }),
            })
            .openapi('OidcFinish'),
        ),
      },
      responses: {
        200: jsonResponse('A new session', signedIn),
        ...problemResponses(400, 401, 403, 429, 502, 503),
      },
    }),
    async (c) => c.json(await answer(handlers.finish(c.req.valid('json'), callerOf(c))), 200),
  )
}
