import { type Kysely, sql } from 'kysely'

/**
 * Creates the event store of a context's database, as a step of its migration: schema `events` with the streams, the
 * snapshots, the idempotency keys and the relay's checkpoints.
 */
export const createEventStore = async (db: Kysely<unknown>): Promise<void> => {
  await sql`create schema events`.execute(db)
  await sql`create sequence events.positions`.execute(db)
  await sql`
    create table events.events (
      position bigint primary key,
      stream text not null constraint events_stream_short check (length(stream) between 1 and 200),
      version bigint not null,
      event_id uuid not null,
      type text not null,
      schema_version integer not null,
      -- With its headers below what one produce request takes: an event that no broker accepts would stop the relay.
      payload bytea not null constraint events_payload_bounded check (octet_length(payload) <= 524288),
      topic text not null,
      key text not null,
      actor text,
      causation text,
      correlation text,
      address text,
      traceparent text,
      -- The ids in the payload, by which the audit finds it. Null where its writer did not say.
      names uuid[],
      -- In which order transactions began to write. The relay reads by it, since positions are not commit-ordered.
      -- Within a stream, and within a key as far as writers have seen each other, it rises: append sees to that.
      transaction_id xid8 not null default pg_current_xact_id(),
      -- The database's clock: the relay's age is measured by it, and the writers' clocks differ.
      recorded_at timestamptz not null default clock_timestamp(),
      constraint events_stream_version_unique unique (stream, version)
    )`.execute(db)
  await sql`create index events_transaction on events.events (transaction_id, position)`.execute(db)
  await sql`create index events_actor on events.events (actor, position) where actor is not null`.execute(db)
  await createImmutability(db)
  await createAppend(db)
  await sql`
    create table events.idempotency_keys (
      key text primary key,
      streams text[] not null,
      versions bigint[] not null,
      recorded_at timestamptz not null default now()
    )`.execute(db)
  await sql`create index idempotency_keys_age on events.idempotency_keys (recorded_at)`.execute(db)
  await sql`
    create table events.snapshots (
      stream text primary key,
      version bigint not null,
      shape integer not null,
      state jsonb not null,
      taken_at timestamptz not null default now()
    )`.execute(db)
  // Of each shard the last event that is published: everything up to it is, in the order (transaction_id, position).
  await sql`
    create table events.relays (
      shards integer not null,
      shard integer not null,
      transaction_id xid8 not null,
      position bigint not null,
      primary key (shards, shard)
    )`.execute(db)
}

/** What happened stays as it was: an UPDATE that was meant for another table must not change history. */
const createImmutability = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create function events.refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception 'events are never changed' using errcode = 'restrict_violation';
    end $$`.execute(db)
  await sql`
    create trigger events_never_change before update or delete or truncate on events.events
    for each statement execute function events.refuse_change()`.execute(db)
}

/**
 * Brings an event store that createEventStore made in an earlier release to what it makes now, as a step of the migration.
 * Does nothing to the events.
 */
export const renewEventStore = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table events.events add column if not exists names uuid[]`.execute(db)
  await sql`drop function events.append`.execute(db)
  await createAppend(db)
}

/**
 * One statement that appends or fails as a whole, whatever its caller does with the error. Its plans are made once a
 * session, whatever is appended, and hold for a table of any size: a session that begins on an empty table would otherwise
 * keep plans that read all of it. Hence the settings, and `(select true …)`, which unlike `exists` can't become a hash of
 * the whole table.
 */
const createAppend = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create function events.append(
      new_streams text[], new_versions bigint[], new_expected bigint[], new_ids uuid[], new_types text[],
      new_schema_versions integer[], new_payloads bytea[], new_keys text[], new_names text[], new_topic text,
      new_actor text, new_causation text, new_correlation text, new_address text, new_traceparent text,
      idempotency_key text,
      out replayed boolean, out first_streams text[], out first_versions bigint[]
    ) language plpgsql
      set plan_cache_mode = force_generic_plan
      set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
    as $$
    declare
      appended bigint;
    begin
      replayed := false;
      -- Events are relayed in the order in which their transactions began to write. A transaction that began before the
      -- one whose events it has seen would come before them: it has to begin again.
      if exists (select from events.events as later
        where later.transaction_id > pg_current_xact_id() and later.key = any(new_keys)) then
        raise exception 'this transaction began to write before the last event of its key was written'
          using errcode = 'serialization_failure', hint = 'begin the transaction again';
      end if;
      if idempotency_key is not null then
        -- Waits for a transaction that is using the same key, and then finds its answer or takes its place.
        insert into events.idempotency_keys as k (key, streams, versions)
          select append.idempotency_key, array_agg(last.stream order by last.nth), array_agg(last.version order by last.nth)
          from (
            select e.stream, max(e.version) as version, min(e.nth) as nth
            from unnest(new_streams, new_versions) with ordinality as e (stream, version, nth) group by e.stream
          ) as last
          on conflict do nothing;
        if not found then
          select true, k.streams, k.versions into replayed, first_streams, first_versions
            from events.idempotency_keys as k where k.key = append.idempotency_key;
          return;
        end if;
      end if;

      -- Positions in the order given; rows in the order of their streams, so that two appends to the same streams wait
      -- for each other, but never in a circle.
      with given as materialized (
        select nextval('events.positions') as position, e.*
        from unnest(new_streams, new_versions, new_expected, new_ids, new_types, new_schema_versions, new_payloads,
          new_keys, new_names) as e (stream, version, expected, id, type, schema_version, payload, key, names)
      ), inserted as (
        insert into events.events (position, stream, version, event_id, type, schema_version, payload, topic, key,
          names, actor, causation, correlation, address, traceparent)
        select given.position, given.stream, given.version, given.id, given.type, given.schema_version, given.payload,
          new_topic, given.key, string_to_array(given.names, ',')::uuid[], new_actor, new_causation, new_correlation,
          new_address, new_traceparent
        from given
        where given.expected = 0 or (
          select true from events.events as head where head.stream = given.stream and head.version = given.expected)
        order by given.stream, given.version
        on conflict (stream, version) do nothing
        returning 1
      )
      select count(*) into appended from inserted;

      if appended <> cardinality(new_ids) then
        raise exception 'a stream is not at the version that was expected' using errcode = 'VZ409', detail = (
          select json_agg(json_build_object('stream', e.stream, 'expected', e.expected, 'current',
            coalesce((select max(h.version) from events.events as h
              where h.stream = e.stream and not h.event_id = any(new_ids)), 0)))
          from (select distinct s.stream, s.expected
            from unnest(new_streams, new_expected) as s (stream, expected)) as e);
      end if;
    end $$`.execute(db)
}
