import { randomUUID } from 'node:crypto'

/** An HTTP answer: its status and its body, parsed when it is JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** One request. `body` is sent as JSON, a string as it is. */
export const request = async (
  base: string,
  method: string,
  path: string,
  options: {
    readonly token?: string
    readonly body?: unknown
    readonly headers?: Record<string, string>
  } = {},
): Promise<Answer> => {
  const { token, body } = options
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

const expectStatus = async <T>(what: string, status: number, answer: Promise<Answer>): Promise<T> => {
  const { status: actual, body } = await answer
  if (actual !== status) throw new Error(`${what} answered ${actual}: ${JSON.stringify(body).slice(0, 500)}`)
  return body as T
}

/** A person with an account, signed in. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly token: string
  readonly refreshToken: string
}

interface Session {
  user: { id: string }
  accessToken: string
  refreshToken: string
}

/** Registers somebody, with a fresh address and password unless they are given. */
export const register = async (
  http: string,
  displayName: string,
  given: { readonly email?: string; readonly password?: string } = {},
): Promise<Person> => {
  const fresh = { email: `${randomUUID()}@example.org`, password: `a long one ${randomUUID()}` }
  const body = { ...fresh, ...given, displayName }
  const session = await expectStatus<Session>(
    'register',
    201,
    request(http, 'POST', '/v1/auth/register', { body }),
  )
  return {
    id: session.user.id,
    name: displayName,
    token: session.accessToken,
    refreshToken: session.refreshToken,
  }
}

/** The same person with a new access token. */
export const refreshed = async (http: string, person: Person): Promise<Person> => {
  const body = { refreshToken: person.refreshToken }
  const session = await expectStatus<Session>(
    'refresh',
    200,
    request(http, 'POST', '/v1/auth/refresh', { body }),
  )
  return { ...person, token: session.accessToken, refreshToken: session.refreshToken }
}

/** Creates a public room. @returns its id */
export const createRoom = async (http: string, owner: Person, name: string): Promise<string> => {
  const body = { name, visibility: 'public' }
  const answer = request(http, 'POST', '/v1/rooms', { token: owner.token, body })
  return (await expectStatus<{ id: string }>('create room', 201, answer)).id
}

/** Joins a public room. */
export const join = async (http: string, person: Person, roomId: string): Promise<void> => {
  const answer = await request(http, 'POST', `/v1/rooms/${roomId}/members`, { token: person.token, body: {} })
  if (answer.status < 200 || answer.status > 299)
    throw new Error(`join answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 500)}`)
}

/** Runs `task` for each item, `width` of them at a time. @returns results in the order of the items */
export const inParallel = async <T, R>(
  width: number,
  items: readonly T[],
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = []
  let next = 0
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await task(items[index] as T, index)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
  return results
}
