import { type Api, createRoute, jsonResponse, problemResponses, requireScope, z } from '@veza/kit/http'
import { type AuditPage } from '../queries/audit.ts'
import { answer } from './answer.ts'
import { id, time } from './fields.ts'
import { type SignedInMiddleware } from './signed-in.ts'

/** What the routes call. */
export interface AuditHandlers {
  readAudit(filter: {
    userId?: string | undefined
    actor?: string | undefined
    before?: number | undefined
    limit: number
  }): Promise<AuditPage>
}

const entry = z
  .object({
    id: z.uuid(),
    type: z.string().openapi({ description: 'Record of auth.events.v1', example: 'SessionStarted' }),
    userId: z.string().openapi({ description: 'Whom it happened to' }),
    actor: z.string().nullable().openapi({ description: 'Who did it: a user id, a worker or operator' }),
    address: z.string().nullable().openapi({
      description: 'Network address that they came from; null: not known, or the person was erased',
    }),
    traceId: z.string().nullable(),
    causedBy: z.string().nullable().openapi({ description: 'Id of the event that it follows from' }),
    stream: z.string(),
    version: z.int(),
    at: time,
  })
  .openapi('AuditEntry')

const cursorOf = (position: number): string => Buffer.from(String(position)).toString('base64url')

/** `next` of the page before, read. */
const cursor = z
  .string()
  .max(100)
  .transform((text, context) => {
    const position = Buffer.from(text, 'base64url').toString()
    if (/^\d{1,15}$/.test(position)) return Number(position)
    context.addIssue({ code: 'custom', message: 'A cursor that a page before gave' })
    return z.NEVER
  })
  .openapi({ type: 'string', description: '`next` of the page before' })

/** Mounts the audit, for administrators. */
export const mountAudit = (app: Api, middleware: SignedInMiddleware, handlers: AuditHandlers): void => {
  const guarded: [...SignedInMiddleware, ReturnType<typeof requireScope>] = [
    ...middleware,
    requireScope('audit:read'),
  ]
  app.openapi(
    createRoute({
      tags: ['administration'],
      security: [{ bearer: [] }],
      middleware: guarded,
      method: 'get',
      path: '/v1/audit',
      summary: 'Who did what to accounts and sessions, when and from where; the newest first',
      request: {
        query: z.object({
          userId: id.optional().openapi({ description: 'Only what happened to this user' }),
          actor: z
            .string()
            .max(200)
            .optional()
            .openapi({ description: 'Only what this user, worker or operator did' }),
          cursor: cursor.optional(),
          limit: z.coerce.number().int().min(1).max(200).default(50),
        }),
      },
      responses: {
        200: jsonResponse(
          'A page',
          z
            .object({
              entries: z.array(entry),
              next: z.string().nullable().openapi({ description: 'Cursor of the next page; null: none' }),
            })
            .openapi('AuditPage'),
        ),
        ...problemResponses(400, 401, 403, 503),
      },
    }),
    async (c) => {
      const { cursor: before, ...filter } = c.req.valid('query')
      const page = await answer(handlers.readAudit({ ...filter, before }))
      const next = page.next === undefined ? null : cursorOf(page.next)
      return c.json({ entries: page.entries, next }, 200)
    },
  )
}
