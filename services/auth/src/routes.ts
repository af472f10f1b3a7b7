import { type Api, createRoute, jsonBody, jsonResponse, Problem, problemResponses, z } from '@veza/kit/http'
import { HasherBusy } from './adapters/password-hasher.ts'
import { type PublicKey } from './adapters/signing-keys.ts'
import { type SignedIn } from './commands/session.ts'
import { parseDisplayName, parseEmail, parsePassword } from './domain/credentials.ts'
import { Rejection, type RejectionCode } from './domain/rejection.ts'

/** What the routes call. */
export interface AuthHandlers {
  register(input: { email: string; password: string; displayName: string }): Promise<SignedIn>
  login(input: { email: string; password: string }): Promise<SignedIn>
  refresh(refreshToken: string): Promise<SignedIn>
  logout(refreshToken: string): Promise<void>
  readonly publicKeys: PublicKey[]
}

const problems: Record<RejectionCode, { status: 401 | 409; detail: string }> = {
  'email-taken': { status: 409, detail: 'There is an account with this e-mail address' },
  'invalid-credentials': { status: 401, detail: 'The e-mail address or the password is wrong' },
  'invalid-refresh-token': { status: 401, detail: 'The refresh token is not valid or its session has ended' },
  'refresh-token-reused': {
    status: 401,
    detail: 'The refresh token was exchanged before. Its session has been ended: sign in again',
  },
}

/** Runs a command; its refusals become problems. The only place where that is done. */
const answer = async <T>(command: Promise<T>): Promise<T> => {
  try {
    return await command
  } catch (error) {
    if (error instanceof Rejection) {
      const { status, detail } = problems[error.code]
      throw new Problem(status, error.code, detail)
    }
    if (error instanceof HasherBusy)
      throw new Problem(503, 'busy', 'Too many people are signing in at this moment', {
        headers: { 'retry-after': '1' },
      })
    throw error
  }
}

/** A text field that the domain parses. The longest text is bounded before anything is done with it. */
const field = (longest: number, parse: (text: string) => string | undefined, rule: string, example: string) =>
  z
    .string()
    .max(longest)
    .transform((text, context) => {
      const value = parse(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: rule })
      return z.NEVER
    })
    .openapi({ description: rule, example })

const registration = z
  .object({
    email: field(512, parseEmail, 'An e-mail address of at most 254 bytes', 'ana@example.org'),
    password: field(1024, parsePassword, '8 to 256 characters', 'correct horse battery'),
    displayName: field(512, parseDisplayName, '1 to 80 characters, no control characters', 'Ana'),
  })
  .openapi('Registration')

const credentials = z
  .object({
    email: z.string().max(512).openapi({ example: 'ana@example.org' }),
    password: z.string().max(1024).openapi({ example: 'correct horse battery' }),
  })
  .openapi('Credentials')

const refreshRequest = z.object({ refreshToken: z.string().min(1).max(512) }).openapi('RefreshRequest')

const signedIn = z
  .object({
    user: z.object({ id: z.uuid(), email: z.string(), displayName: z.string() }),
    accessToken: z.string().openapi({ description: 'ES256 JWT; its keys are at /.well-known/jwks.json' }),
    refreshToken: z.string().openapi({ description: 'Is exchanged once; valid for 30 days' }),
    expiresIn: z.int().openapi({ description: 'Of the access token, seconds', example: 600 }),
  })
  .openapi('SignedIn')

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
  request: { body: jsonBody(registration) },
  responses: {
    201: jsonResponse('The account and its first session', signedIn),
    ...problemResponses(400, 409, 503),
  },
})
const loginRoute = createRoute({
  method: 'post',
  path: '/v1/auth/login',
  tags: ['auth'],
  summary: 'Sign in',
  request: { body: jsonBody(credentials) },
  responses: { 200: jsonResponse('A new session', signedIn), ...problemResponses(400, 401, 503) },
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
    'Answers 204 also when there is nothing to end. Access tokens run out by themselves, in 10 minutes.',
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

/** Mounts auth's HTTP API. */
export const mountRoutes = (app: Api, handlers: AuthHandlers): void => {
  app.openapi(registerRoute, async (c) => c.json(await answer(handlers.register(c.req.valid('json'))), 201))
  app.openapi(loginRoute, async (c) => c.json(await answer(handlers.login(c.req.valid('json'))), 200))
  app.openapi(refreshRoute, async (c) =>
    c.json(await answer(handlers.refresh(c.req.valid('json').refreshToken)), 200),
  )
  app.openapi(logoutRoute, async (c) => {
    await answer(handlers.logout(c.req.valid('json').refreshToken))
    return c.body(null, 204)
  })
  // Shorter than the 10 minutes for which a new key is published before it signs.
  app.openapi(jwksRoute, (c) =>
    c.json({ keys: handlers.publicKeys }, 200, { 'cache-control': 'public, max-age=300' }),
  )
}
