import {
  type Api,
  countField,
  createRoute,
  idempotencyHeader,
  jsonResponse,
  parsedField,
  problemResponses,
  requireScope,
  z,
} from '@veza/kit/http'
import { type SignedInCaller } from '../commands/deps.ts'
import { type DeadLetterPlace, deadLetterTopics } from '../domain/dead-letter.ts'
import { type KnownDeadLetter } from '../queries/dead-letters.ts'
import { answer } from './answer.ts'
import { signedInCallerOf } from './caller.ts'
import { type OnceMiddleware, type SignedInMiddleware } from './signed-in.ts'

/** What the routes call. */
export interface DeadLetterHandlers {
  readDeadLetters(groups: readonly string[], limit: number): Promise<KnownDeadLetter[]>
  redrive(place: DeadLetterPlace, caller: SignedInCaller): Promise<void>
}

const groups = [...deadLetterTopics.keys()]

const idOf = ({ group, partition, offset }: DeadLetterPlace): string => `${group}.${partition}.${offset}`

const id = parsedField(
  200,
  (text): DeadLetterPlace | undefined => {
    const [, group = '', partition, offset] = /^([a-z-]+)\.(\d{1,4})\.(\d{1,15})$/.exec(text) ?? []
    if (!deadLetterTopics.has(group)) return undefined
    return { group, partition: Number(partition), offset: Number(offset) }
  },
  'The id of a dead letter',
)

const deadLetter = z
  .object({
    id: z.string().openapi({ example: 'chat-fanout.3.17' }),
    group: z.string().openapi({ description: 'The consumer group that could not handle it' }),
    at: z.iso.datetime().openapi({ description: 'When it was laid aside' }),
    topic: z.string().openapi({ description: 'Where it was read' }),
    partition: z.int(),
    offset: z.int(),
    type: z.string().nullable().openapi({ description: 'Its record (ce_type); null: it says none' }),
    eventId: z.string().nullable().openapi({ description: 'Its ce_id' }),
    errorClass: z.string().openapi({ example: 'PoisonRecord' }),
    reason: z.string(),
    attempts: z.int().openapi({ description: 'How often it was handled; 0: it could not be read' }),
    size: z.int().openapi({ description: 'Bytes' }),
    redriven: z
      .object({ by: z.string(), at: z.iso.datetime() })
      .nullable()
      .openapi({ description: 'By whom it was written to its topic again, a user id or operator, and when' }),
  })
  .openapi('DeadLetter')

const toJson = (letter: KnownDeadLetter): z.infer<typeof deadLetter> => ({
  ...{ id: idOf(letter), group: letter.group, at: new Date(letter.at).toISOString() },
  ...letter.source,
  ...{ type: letter.type ?? null, eventId: letter.eventId ?? null, errorClass: letter.errorClass },
  ...{ reason: letter.reason, attempts: letter.attempts, size: letter.size },
  redriven: letter.redriven ? { by: letter.redriven.by, at: letter.redriven.at.toISOString() } : null,
})

/** Mounts what consumer groups could not handle, for administrators. */
export const mountDeadLetters = (
  app: Api,
  middleware: OnceMiddleware,
  handlers: DeadLetterHandlers,
): void => {
  const [token, session, once] = middleware
  const guarded = (scope: string): [...SignedInMiddleware, ReturnType<typeof requireScope>, typeof once] => [
    token,
    session,
    requireScope(scope),
    once,
  ]
  const common = { tags: ['administration'], security: [{ bearer: [] }] }

  app.openapi(
    createRoute({
      ...common,
      middleware: guarded('status:read'),
      method: 'get',
      path: '/v1/admin/dead-letters',
      summary: 'The newest records that consumer groups could not handle, newest first',
      description: 'They lie in Kafka for 14 days. What they say is not shown: it may be about people.',
      request: {
        query: z.object({
          group: z.enum(groups).optional().openapi({ description: 'Only of this group' }),
          limit: countField(1, 200, 50),
        }),
      },
      responses: {
        200: jsonResponse(
          'Dead letters',
          z.object({ deadLetters: z.array(deadLetter) }).openapi('DeadLetters'),
        ),
        ...problemResponses(400, 401, 403, 503),
      },
    }),
    async (c) => {
      const { group, limit } = c.req.valid('query')
      const letters = await handlers.readDeadLetters(group === undefined ? groups : [group], limit)
      return c.json({ deadLetters: letters.map(toJson) }, 200)
    },
  )
  app.openapi(
    createRoute({
      ...common,
      middleware: guarded('dead-letters:redrive'),
      method: 'post',
      path: '/v1/admin/dead-letters/{id}/redrive',
      summary: 'Write a dead letter once more to the topic that it came from',
      description:
        'It keeps its ce_id, so that whoever has handled it does not do so again, and comes after what was written ' +
        'meanwhile. The audit tells of it (DeadLetterRedriven). Once: what fails again is another dead letter.',
      request: { headers: idempotencyHeader, params: z.object({ id }) },
      responses: {
        204: { description: 'It is there' },
        ...problemResponses(400, 401, 403, 404, 409, 503),
      },
    }),
    async (c) => {
      await answer(handlers.redrive(c.req.valid('param').id, signedInCallerOf(c)))
      return c.body(null, 204)
    },
  )
}
