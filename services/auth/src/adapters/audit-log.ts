import { type Kysely, sql } from 'kysely'
import { type AuthDatabase } from './database.ts'

/** An event as the audit tells it: who did what, when, from where. */
export interface AuditRow {
  readonly position: number
  readonly eventId: string
  readonly type: string
  readonly stream: string
  readonly version: number
  /** Whom it happened to. */
  readonly userId: string
  /** A user's id, or the name of a worker or of operators. */
  readonly actor: string | null
  /** Base64 of what is sealed under the actor's key. */
  readonly address: string | null
  /** Trace id of the request. */
  readonly correlation: string | null
  readonly causation: string | null
  readonly recordedAt: Date
}

/** What to look for; all that is given must fit. */
export interface AuditFilter {
  readonly userId?: string | undefined
  readonly actor?: string | undefined
  /** Only what stands before this position. */
  readonly before?: number | undefined
}

/** Events, the newest first. Reads the store's own columns: what an event says stays in its payload. */
export const readAuditLog = async (
  db: Kysely<AuthDatabase>,
  { userId, actor, before }: AuditFilter,
  limit: number,
): Promise<AuditRow[]> => {
  const { rows } = await sql<AuditRow>`
    select position, event_id as "eventId", type, stream, version, key as "userId", actor, address, correlation,
      causation, recorded_at as "recordedAt"
    from events.events
    where ${userId === undefined ? sql`true` : sql`key = ${userId}`}
      and ${actor === undefined ? sql`true` : sql`actor = ${actor}`}
      and ${before === undefined ? sql`true` : sql`position < ${before}`}
    order by position desc limit ${limit}`.execute(db)
  return rows
}
