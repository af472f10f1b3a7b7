import { type Kysely, sql } from 'kysely'

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
  await sql`create index events_ids on events.events using gin (events.ids_in(payload))`.execute(db)
  await sql`create index events_time on events.events (recorded_at, event_id)`.execute(db)
  await sql`
    create index events_actor_time on events.events (actor, recorded_at, event_id)
      where actor is not null`.execute(db)
  // The audit was what read by it.
  await sql`drop index events.events_actor`.execute(db)
}
