import { createRoute, z } from '@hono/zod-openapi'
import { type Api } from '../http/api.ts'
import { uuid } from '../http/fields.ts'
import { Problem } from '../http/problem.ts'
import { jsonResponse, problemResponses } from '../http/schemas.ts'
import { serviceOnly } from '../http/service-token.ts'
import { streamedBody } from '../http/streamed-body.ts'
import { jsonOf, type PersonalParts } from './json.ts'

const pathOf = (context: string, userId: string): string => `/internal/v1/${context}/personal-data/${userId}`

/**
 * Serves what a context has about a person to Veza's own processes, on the internal listener's app: one JSON object, sent
 * while it is read. A list that cannot be read to its end breaks the connection, so that nobody takes it to be whole.
 *
 * @param read undefined: nothing is known of them
 */
export const mountPersonalData = (
  app: Api,
  token: string,
  context: string,
  read: (userId: string) => Promise<PersonalParts | undefined>,
): void => {
  app.openapi(
    createRoute({
      method: 'get',
      path: pathOf(context, '{userId}'),
      middleware: serviceOnly(token),
      summary: `All that ${context} has about a person`,
      request: { params: z.object({ userId: uuid }) },
      responses: {
        200: jsonResponse('What there is, by name', z.record(z.string(), z.unknown())),
        ...problemResponses(400, 401, 404, 503),
      },
    }),
    async (c) => {
      const parts = await read(c.req.valid('param').userId)
      if (parts === undefined) throw new Problem(404, 'user-not-found', 'Nothing is known of this person')
      return c.body(streamedBody(c, jsonOf(parts)), 200, { 'content-type': 'application/json' }) as never
    },
  )
}

/** Bytes as they come, unless nothing comes for so long. */
async function* whileItFlows(
  body: AsyncIterable<Uint8Array>,
  { abort, idleMs }: { abort: (reason: Error) => void; idleMs: number },
): AsyncGenerator<Uint8Array> {
  const idle = setTimeout(() => {
    abort(new Error(`nothing came for ${idleMs} ms`))
  }, idleMs)
  try {
    for await (const bytes of body) {
      idle.refresh()
      yield bytes
      idle.refresh()
    }
  } finally {
    clearTimeout(idle)
  }
}

/**
 * Asks a context in another process for all that it has about a person: JSON, as it comes; undefined = nothing. Rejects,
 * also in the middle, when it cannot say.
 *
 * @param url base of its internal API
 * @param idleMs how long it may say nothing; 30 s unless given
 */
export const remotePersonalData =
  ({ name, url }: { readonly name: string; readonly url: string }, token: string, idleMs = 30_000) =>
  async (userId: string): Promise<AsyncIterable<Uint8Array> | undefined> => {
    const ended = new AbortController()
    const abort = (reason: Error): void => {
      ended.abort(reason)
    }
    const answered = setTimeout(() => {
      abort(new Error(`${name} did not answer within ${idleMs} ms`))
    }, idleMs)
    const response = await fetch(`${url}${pathOf(name, userId)}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: ended.signal,
    }).finally(() => {
      clearTimeout(answered)
    })
    if (response.ok && response.body !== null)
      return whileItFlows(response.body as AsyncIterable<Uint8Array>, { abort, idleMs })
    await response.body?.cancel()
    if (response.status === 404) return undefined
    throw new Error(`${name} answered ${response.status}`)
  }
