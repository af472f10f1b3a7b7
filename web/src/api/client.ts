import createClient, { type Middleware } from 'openapi-fetch'
import { type components, type paths } from './generated/schema.ts'
import { problemOf, unreachable } from './problem.ts'
import { accessToken, endSession } from './session.ts'

/** Shapes of the API, by name. */
export type Schemas = components['schemas']

const authorised: Middleware = {
  async onRequest({ request }) {
    const token = await accessToken()
    if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`)
    return request
  },
  onResponse({ response }) {
    // The token was fresh, so the session itself is over.
    if (response.status === 401) endSession()
  },
  onError({ error }) {
    return unreachable(error)
  },
}

/** The API, typed by its own document. */
export const api = createClient<paths>({ baseUrl: '/' })
api.use(authorised)

/** The body of an answer. Throws ApiProblem whatever else came of the request. */
export const ask = async <Body>(
  request: Promise<{ data?: Body | undefined; error?: unknown; response: Response }>,
): Promise<Body> => {
  const { data, error, response } = await request
  if (!response.ok) throw problemOf(response, error)
  // Answers without a body are asked for as what they are: nothing.
  return data as Body
}

/** For a write that may be sent again and happen once. */
export const once = (): { 'idempotency-key': string } => ({ 'idempotency-key': crypto.randomUUID() })
