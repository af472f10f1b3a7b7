import { auditEntry, auditFields, type AuditFilter, type AuditPage, type AuditPlace } from '@veza/kit/audit'
import {
  type Api,
  createRoute,
  cursor,
  jsonResponse,
  problemResponses,
  requireScope,
  uuid,
  z,
} from '@veza/kit/http'
import { type SignedInMiddleware } from './signed-in.ts'

/** What the routes call. */
export interface AuditHandlers {
  /** The contexts that the audit has parts of. */
  readonly contexts: readonly string[]
  /** @param context all of them unless given */
  readAudit(
    context: string | undefined,
    filter: AuditFilter,
    page: { before: AuditPlace | undefined; limit: number },
  ): Promise<AuditPage>
}

const place = cursor<AuditPlace>(
  'audit',
  ({ at, id }) => `${at} ${id}`,
  (text) => {
    const [, at, id] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([0-9a-f-]{36})$/.exec(text) ?? []
    const isPlace = z.iso.datetime().safeParse(at).success && uuid.safeParse(id).success
    return isPlace && at !== undefined && id !== undefined ? { at, id } : undefined
  },
)

const page = z
  .object({
    entries: z.array(auditEntry),
    next: z.string().nullable().openapi({ description: 'Cursor of the next page; null: none' }),
  })
  .openapi('AuditPage')

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
      summary: 'Who did what, when and from where, in all parts of Veza; the newest first',
      description:
        'All parameters that are given must fit. What happens meanwhile comes before the first page and changes no other. ' +
        'When a part of Veza cannot answer, the whole does not (503): `context` asks one alone.',
      request: {
        query: z.object({
          context: z.enum(handlers.contexts).optional().openapi({ description: 'Only this part of Veza' }),
          userId: uuid.optional().openapi({
            description: 'Only what names this user: as whom it happened to, or who did it to others',
          }),
          about: uuid.optional().openapi({
            description: 'Only what names this id: a room, a track, a message, a session',
          }),
          ...auditFields,
          cursor: place.field.optional(),
          limit: z.coerce.number().int().min(1).max(200).default(50),
        }),
      },
      responses: {
        200: jsonResponse('A page', page),
        ...problemResponses(400, 401, 403, 503),
      },
    }),
    async (c) => {
      const { context, userId, about, type: types, cursor: before, limit, ...filter } = c.req.valid('query')
      const names = [userId, about].filter((id) => id !== undefined)
      const { entries, next } = await handlers.readAudit(
        context,
        { ...filter, types, names },
        { before, limit },
      )
      return c.json({ entries, next: next === undefined ? null : place.write(next) }, 200)
    },
  )
}
