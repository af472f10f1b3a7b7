import { type Api, createRoute, jsonBody, jsonResponse, problemResponses, z } from '@veza/kit/http'
import { type PublicKey } from '../adapters/signing-keys.ts'
import { type Caller } from '../commands/deps.ts'
import { type SignedIn } from '../commands/session.ts'
import { answer } from './answer.ts'
import { callerOf } from './caller.ts'
import { displayName, email, givenEmail, givenPassword, newPassword, signedIn } from './fields.ts'

/** What the routes call. */
export interface SignInHandlers {
  register(input: { email: string; password: string; displayName: string }, caller: Caller): Promise<SignedIn>
  login(input: { email: string; password: string }, caller: Caller): Promise<SignedIn>
  refresh(refreshToken: string, caller: Caller): Promise<SignedIn>
  logout(refreshToken: string, caller: Caller): Promise<void>
  publicKeys(): PublicKey[]
}

const registration = z.object({ email, password: newPassword, displayName }).openapi('Registration')
const credentials = z.object({ email: givenEmail, password: givenPassword }).openapi('Credentials')
const refreshRequest = z.object({ refreshToken: z.string().min(1).max(512) }).openapi('RefreshRequest')

const jwks = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('EC'),
        crv: z.literal('P-256'),
        x: z.string(),
        y: z.string(),
        kid: z.string(),
        use: z.literal('sig'),
        alg: z.literal('ES256'),
      }),
    ),
  })
  .openapi('JsonWebKeySet')

const registerRoute = createRoute({
  method: 'post',
  path: '/v1/auth/register',
  tags: ['auth'],
  summary: 'Create an account and sign in',
  description:
    'A letter asks the person to verify the address. Passwords that were leaked, or are made of one or of the ' +
    "person's own name or address, are refused with code password-guessable.",
  request: { body: jsonBody(registration) },
  responses: {
    201: jsonResponse('The account and its first session', signedIn),
    ...problemResponses(400, 409, 429, 503),
  },
})
const loginRoute = createRoute({
  method: 'post',
  path: '/v1/auth/login',
  tags: ['auth'],
  summary: 'Sign in',
  request: { body: jsonBody(credentials) },
  responses: { 200: jsonResponse('A new session', signedIn), ...problemResponses(400, 401, 429, 503) },
})
const refreshRoute = createRoute({
  method: 'post',
  path: '/v1/auth/refresh',
  tags: ['auth'],
  summary: 'Exchange a refresh token for its successor and a new access token',
  description:
    'Exchanged again within 30 seconds, a token is answered with the same successor (an answer may be lost). After ' +
    'that, two parties must hold it, and the session is ended.',
  request: { body: jsonBody(refreshRequest) },
  responses: { 200: jsonResponse('The session goes on', signedIn), ...problemResponses(400, 401, 503) },
})
const logoutRoute = createRoute({
  method: 'post',
  path: '/v1/auth/logout',
  tags: ['auth'],
  summary: 'End the session of a refresh token',
  description:
    'Answers 204 also when there is nothing to end. Access tokens run out by themselves, in 10 minutes; WebSocket ' +
    'connections of the session are closed.',
  request: { body: jsonBody(refreshRequest) },
  responses: { 204: { description: 'The session has ended' }, ...problemResponses(400, 503) },
})
const jwksRoute = createRoute({
  method: 'get',
  path: '/.well-known/jwks.json',
  tags: ['auth'],
  summary: 'The public keys that verify access tokens',
  responses: { 200: jsonResponse('JSON Web Key Set (RFC 7517)', jwks) },
})

/** Mounts what needs no access token: registering, signing in and out, the public keys. */
export const mountSignIn = (app: Api, handlers: SignInHandlers): void => {
  app.openapi(registerRoute, async (c) =>
    c.json(await answer(handlers.register(c.req.valid('json'), callerOf(c))), 201),
  )
  app.openapi(loginRoute, async (c) =>
    c.json(await answer(handlers.login(c.req.valid('json'), callerOf(c))), 200),
  )
  app.openapi(refreshRoute, async (c) =>
    c.json(await answer(handlers.refresh(c.req.valid('json').refreshToken, callerOf(c))), 200),
  )
  app.openapi(logoutRoute, async (c) => {
    await answer(handlers.logout(c.req.valid('json').refreshToken, callerOf(c)))
    return c.body(null, 204)
  })
  // Shorter than the time for which a new key is published before it signs.
  app.openapi(jwksRoute, (c) =>
    c.json({ keys: handlers.publicKeys() }, 200, { 'cache-control': 'public, max-age=300' }),
  )
}
