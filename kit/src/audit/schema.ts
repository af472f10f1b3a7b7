import { type Kysely, sql } from 'kysely'

/** Finds what names an id: by what the writer said that the event names, or by its bytes where the writer did not say. */
const createNamesIndex = (db: Kysely<unknown>) =>
  sql`create index events_names on events.events using gin (coalesce(names, events.ids_in(payload)))`.execute(
    db,
  )

/**
 * Makes a context's event store searchable, as a step of its migration after createEventStore: by time, by who did it, and
 * by every id that an event names. Payloads are Avro, in which an id is its text, so the ids are found without decoding,
 * also in what was stored before.
 */
export const createAuditIndexes = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create function events.ids_in(payload bytea) returns uuid[] language sql immutable strict parallel safe
    return array(select distinct found[1]::uuid from regexp_matches(encode(payload, 'escape'),
      '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'g') as found)`.execute(db)
  await createNamesIndex(db)
  await sql`create index events_time on events.events (recorded_at, event_id)`.execute(db)
  await sql`
    create index events_actor_time on events.events (actor, recorded_at, event_id)
      where actor is not null`.execute(db)
  // The audit was what read by it.
  await sql`drop index events.events_actor`.execute(db)
}

/** Brings what createAuditIndexes made in an earlier release to what it makes now, after renewEventStore. */
export const renewAuditIndexes = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop index if exists events.events_ids, events.events_names`.execute(db)
  await createNamesIndex(db)
}
