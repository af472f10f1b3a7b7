import { type Kysely } from 'kysely'
import { type AuditFilter, readAuditLog } from '../adapters/audit-log.ts'
import { type AuthDatabase } from '../adapters/database.ts'
import { type PersonalData } from '../adapters/personal-data.ts'

/** An entry of the audit. */
export interface AuditEntry {
  readonly id: string
  readonly type: string
  /** Whom it happened to. */
  readonly userId: string
  /** A user's id, or the name of a worker or of operators; null: not known. */
  readonly actor: string | null
  /** Network address; null: not known, or the actor was erased. */
  readonly address: string | null
  /** Of the request, 32 hexadecimal digits. */
  readonly traceId: string | null
  /** Id of the event or command that it follows from. */
  readonly causedBy: string | null
  readonly stream: string
  readonly version: number
  /** ISO 8601. */
  readonly at: string
}

export interface AuditPage {
  readonly entries: AuditEntry[]
  /** Position to read on before; undefined: this was the last page. */
  readonly next: number | undefined
}

/** What happened to accounts and sessions, the newest first. */
export const readAudit =
  ({ db, personal }: { db: Kysely<AuthDatabase>; personal: PersonalData }) =>
  async (filter: AuditFilter & { limit: number }): Promise<AuditPage> => {
    const rows = await readAuditLog(db, filter, filter.limit + 1)
    const page = rows.slice(0, filter.limit)
    const addresses = await personal.open(
      page.map(({ actor, address }) => ({
        userId: actor ?? '',
        field: 'address',
        sealed: address === null ? null : Buffer.from(address, 'base64'),
      })),
    )
    return {
      entries: page.map((row, index) => ({
        id: row.eventId,
        type: row.type,
        userId: row.userId,
        actor: row.actor,
        address: addresses[index] ?? null,
        traceId: row.correlation,
        causedBy: row.causation,
        stream: row.stream,
        version: row.version,
        at: row.recordedAt.toISOString(),
      })),
      next: rows.length > page.length ? page.at(-1)?.position : undefined,
    }
  }
