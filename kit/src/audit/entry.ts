import { z } from '@hono/zod-openapi'
import { parsedField, uuid } from '../http/fields.ts'

/** What to look for; all that is given must fit. */
export interface AuditFilter {
  /** A user's id, or the name of a worker or of operators. */
  readonly actor?: string | undefined
  /** Ids that the event names: of people, accounts, sessions, rooms, tracks, messages. */
  readonly names?: readonly string[] | undefined
  /** Record names. */
  readonly types?: readonly string[] | undefined
  /** ISO 8601; inclusive. */
  readonly from?: string | undefined
  /** ISO 8601; exclusive. */
  readonly to?: string | undefined
}

/** Where in the audit an event stands. Everything is in one order: by time, and by id what happened at once. */
export interface AuditPlace {
  /** ISO 8601, UTC, microseconds: what compares as text. */
  readonly at: string
  /** UUID. */
  readonly id: string
}

export const auditEntry = z
  .object({
    id: uuid.openapi({ description: 'Of the event, its ce_id in Kafka' }),
    context: z.string().openapi({ description: 'The part of Veza that it happened in', example: 'chat' }),
    type: z.string().openapi({ description: 'Its record in the topics', example: 'MemberBanned' }),
    userId: z.string().nullable().openapi({ description: 'Whom it happened to, where it was a person' }),
    actor: z
      .string()
      .nullable()
      .openapi({ description: 'Who did it: a user id, a worker, operators; null: it is not known' }),
    address: z.string().nullable().openapi({
      description: 'Network address that they came from; null: not known, or the actor was erased',
    }),
    traceId: z
      .string()
      .nullable()
      .openapi({ description: 'Of the request, the same for everything that it set off' }),
    causedBy: z
      .string()
      .nullable()
      .openapi({ description: 'Id of the event or command that it follows from' }),
    stream: z.string(),
    version: z.int().openapi({ description: 'Its number in the stream' }),
    details: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'What the event says, as in its topic, without what is sealed in it' }),
    at: z.iso.datetime().openapi({ example: '2026-11-24T08:00:00.123456Z' }),
  })
  .openapi('AuditEntry')

/** An event as the audit tells it: who did what, when, from where. */
export type AuditEntry = z.infer<typeof auditEntry>

/** A context's part of the audit. */
export interface AuditSource {
  readonly context: string
  /** The newest first, those before a place where one is given. Rejects when it can't say. */
  read(filter: AuditFilter, before: AuditPlace | undefined, limit: number): Promise<AuditEntry[]>
}

const listOf = (item: RegExp, longest: number) =>
  parsedField(
    longest,
    (text) => {
      const items = text.split(',')
      return items.every((one) => item.test(one)) ? items : undefined
    },
    'A name, or several with commas between',
  )

/** Query parameters that a filter is made of. */
export const auditFields = {
  actor: z.string().min(1).max(200).optional().openapi({
    description: 'Only what this user, worker or operator did',
  }),
  type: listOf(/^[A-Za-z]{1,60}$/, 1_000)
    .optional()
    .openapi({ description: 'Only these records: a name, or several with commas between' }),
  from: z.iso.datetime().optional().openapi({ description: 'Only what happened then or later' }),
  to: z.iso.datetime().optional().openapi({ description: 'Only what happened before' }),
}
