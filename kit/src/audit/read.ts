import { type Codec, type Topic } from '@veza/contracts'
import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely'
import { type EventRow, rowDecoder } from '../events/store.ts'
import { type AddressBook } from './addresses.ts'
import { type AuditEntry, type AuditFilter, type AuditPlace, type AuditSource } from './entry.ts'

type AuditRow = Pick<
  EventRow,
  'stream' | 'version' | 'type' | 'schema_version' | 'payload' | 'actor' | 'causation' | 'correlation'
> & { readonly event_id: string; readonly address: string | null; readonly at: string }

/** The statement that finds a page. */
export const auditQuery = (
  topic: string,
  { actor, names = [], types, from, to }: AuditFilter,
  { before, limit }: { before: AuditPlace | undefined; limit: number },
): RawBuilder<AuditRow> => {
  const where = sql.join(
    [
      sql`topic = ${topic}`,
      ...(actor === undefined ? [] : [sql`actor = ${actor}`]),
      ...(names.length === 0 ? [] : [sql`coalesce(names, events.ids_in(payload)) @> ${names}::uuid[]`]),
      ...(types === undefined ? [] : [sql`type = any(${types})`]),
      ...(from === undefined ? [] : [sql`recorded_at >= ${from}::timestamptz`]),
      ...(to === undefined ? [] : [sql`recorded_at < ${to}::timestamptz`]),
      ...(before === undefined
        ? []
        : [sql`(recorded_at, event_id) < (${before.at}::timestamptz, ${before.id}::uuid)`]),
    ],
    sql` and `,
  )
  // The planner does not know how rare an id is, and would look for it from the newest event on. `offset 0` has it find
  // the id's events first.
  const fence = names.length === 0 ? sql`` : sql`offset 0`
  return sql<AuditRow>`
    select stream, version, event_id, type, schema_version, payload, actor, causation, correlation, address,
      to_char(recorded_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
    from (select * from events.events where ${where} ${fence}) as found
    order by recorded_at desc, event_id desc limit ${limit}`
}

/** What is sealed is bytes, and bytes are what is sealed. */
const isTold = ([, value]: [string, unknown]): boolean => !Buffer.isBuffer(value)

/** A context's part of the audit, of its own event store, which has createAuditIndexes' indexes. */
export const auditOf = (
  context: string,
  {
    db,
    topic,
    codec,
    addresses,
  }: { db: QueryExecutorProvider; topic: Topic; codec: Codec; addresses: AddressBook },
): AuditSource => {
  const decode = rowDecoder(topic, codec)
  return {
    context,
    async read(filter, before, limit) {
      const { rows } = await auditQuery(topic.name, filter, { before, limit }).execute(db)
      const opened = await addresses.open(rows)
      const entries: AuditEntry[] = []
      for (const [index, row] of rows.entries()) {
        const { value } = await decode(row)
        entries.push({
          ...{ id: row.event_id, context, type: row.type, stream: row.stream, version: row.version },
          userId: 'userId' in value ? value.userId : null,
          actor: row.actor,
          address: opened[index] ?? null,
          traceId: row.correlation,
          causedBy: row.causation,
          details: Object.fromEntries(Object.entries(value).filter(isTold)),
          at: row.at,
        })
      }
      return entries
    },
  }
}
