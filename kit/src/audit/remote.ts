import { type Api } from '../http/api.ts'
import { z, createRoute } from '@hono/zod-openapi'
import { uuid } from '../http/fields.ts'
import { Problem } from '../http/problem.ts'
import { jsonResponse, problemResponses } from '../http/schemas.ts'
import { serviceOnly } from '../http/service-token.ts'
import { auditEntry, auditFields, type AuditSource } from './entry.ts'

const pathOf = (context: string): string => `/internal/v1/${context}/audit`

const query = z.object({
  ...auditFields,
  names: z
    .string()
    .max(400)
    .transform((text) => text.split(','))
    .pipe(z.array(uuid))
    .optional(),
  beforeAt: z.iso.datetime().optional(),
  beforeId: uuid.optional(),
  limit: z.coerce.number().int().min(1).max(500),
})

const answerBody = z.object({ entries: z.array(auditEntry) })

/** Serves a context's part of the audit to Veza's own processes, on the internal listener's app. */
export const mountAuditSource = (app: Api, token: string, source: AuditSource): void => {
  app.openapi(
    createRoute({
      method: 'get',
      path: pathOf(source.context),
      middleware: serviceOnly(token),
      summary: `${source.context}'s part of the audit, the newest first`,
      request: { query },
      responses: { 200: jsonResponse('Events', answerBody), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const { type: types, beforeAt, beforeId, limit, ...filter } = c.req.valid('query')
      const before =
        beforeAt === undefined || beforeId === undefined ? undefined : { at: beforeAt, id: beforeId }
      return c.json({ entries: await source.read({ ...filter, types }, before, limit) }, 200)
    },
  )
}

const timeoutMs = 10_000

/**
 * The part of a context in another process. Its reads reject Problem 503 `unavailable` when that does not answer.
 *
 * @param url base of its internal API
 */
export const remoteAudit = (context: string, url: string, token: string): AuditSource => ({
  context,
  async read({ actor, names = [], types, from, to }, before, limit) {
    const given = {
      ...{ actor, from, to, type: types?.join(), beforeAt: before?.at, beforeId: before?.id },
      names: names.length === 0 ? undefined : names.join(),
      limit: String(limit),
    }
    const search = new URLSearchParams()
    for (const [parameter, value] of Object.entries(given))
      if (value !== undefined) search.set(parameter, value)
    try {
      const response = await fetch(`${url}${pathOf(context)}?${search.toString()}`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (!response.ok) throw new Error(`${context} answered ${response.status}`)
      return answerBody.parse(await response.json()).entries
    } catch (cause) {
      throw new Problem(503, 'unavailable', `The part of ${context} can't be read at this moment`, {
        cause,
        headers: { 'retry-after': '2' },
      })
    }
  },
})
