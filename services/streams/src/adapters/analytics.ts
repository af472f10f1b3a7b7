import { type ReadModel } from '@veza/kit/projection'
import { type ColumnType, type Generated, type Kysely, sql } from 'kysely'
import { playRule } from './play-rule.ts'

/** What is counted of listening and of rooms, in a schema of its own, by workers/analytics. Days and hours are UTC. */
export interface AnalyticsDatabase {
  /** What one listener heard of one track in the sessions that they began in one hour. Forgotten once nothing late can come. */
  hearings: {
    track_id: string
    /** Since the Unix epoch. */
    hour: number
    /** Stands for the person on that day only. */
    listener: string
    partition: number
    /** Milliseconds since the Unix epoch, as the two after it. */
    started_at: number
    first_at: number
    last_at: number
    furthest_ms: number
    /** 0: unknown. */
    duration_ms: number
    owner_id: string | null
    address: string | null
    /** Seconds of the track, `from-to;from-to`, in order and apart from each other. */
    parts: string
    heard: number
    /** The slot of time in which it began, see PlayRule; null: no play. */
    slot: number | null
    required: number
    /** Bits in the order of `reasons`; 0: nothing is wrong with it. */
    reasons: number
  }
  /** What a listener or a network begins within a time. */
  paces: { kind: PaceKind; who: string; slot: number; amount: number }
  track_hours: { track_id: string; hour: number } & Counts
  track_days: {
    track_id: string
    day: number
    owner_id: string | null
    rule: number
    /** A HyperLogLog of 2^11 registers: those whose plays count. */
    sketch: Buffer
    listeners: number
  } & Counts
  /** Who had a play at all on a day, by partition of the topic: HyperLogLogs of 2^14 registers. */
  day_listeners: { day: number; partition: number; sketch: Buffer }
  /** How far each numbering of a room was read. */
  rooms: { room_id: string; epoch: string; last_offset: number }
  room_hours: { room_id: string; hour: number; messages: number; reactions: number }
  /** A HyperLogLog of 2^11 registers: who posted or reacted. */
  room_days: {
    room_id: string
    day: number
    messages: number
    reactions: number
    sketch: Buffer
    people: number
  }
  /** When Kafka got the newest record of each partition that was read, milliseconds since the Unix epoch. */
  watermarks: { topic: string; partition: number; at: number }
  /** Tracks whose totals are yet to be told on analytics.track-stats.v1. */
  track_changes: { track_id: string; change: Generated<ColumnType<number>> }
}

export interface Counts {
  plays: number
  seconds: number
  impossible: number
  overlapping: number
  burst: number
}

export type PaceKind = 'listener' | 'address'

/** Of the tables; the rule's version is added, since another rule gives other counts. */
const layout = 1

const counts = sql.raw(`
  plays bigint not null default 0,
  seconds bigint not null default 0,
  impossible bigint not null default 0,
  overlapping bigint not null default 0,
  burst bigint not null default 0`)

const createTables = async (db: Kysely<AnalyticsDatabase>, schema: string): Promise<void> => {
  const table = (name: string) => sql.id(schema, name)
  const run = (statement: ReturnType<typeof sql>) => statement.execute(db)
  await run(sql`
    create table ${table('hearings')} (
      track_id uuid not null, hour integer not null, listener uuid not null,
      partition smallint not null,
      started_at bigint not null, first_at bigint not null, last_at bigint not null,
      furthest_ms bigint not null, duration_ms bigint not null,
      owner_id uuid, address uuid,
      parts text not null, heard integer not null,
      slot integer, required smallint not null, reasons smallint not null,
      primary key (track_id, hour, listener)
    ) with (fillfactor = 60)`)
  // An update that leaves these columns as they are writes no index: most of them do.
  await run(sql`
    create index on ${table('hearings')} (listener, slot) where slot is not null`)
  await run(sql`
    create index on ${table('hearings')} (address, slot) where slot is not null`)
  await run(sql`create index on ${table('hearings')} using brin (hour) with (autosummarize = on)`)
  await run(sql`
    create table ${table('paces')} (
      kind text not null, who uuid not null, slot integer not null, amount integer not null,
      primary key (kind, who, slot)
    ) with (fillfactor = 80)`)
  await run(sql`create index on ${table('paces')} using brin (slot) with (autosummarize = on)`)
  await run(sql`
    create table ${table('track_hours')} (
      track_id uuid not null, hour integer not null, ${counts}, primary key (track_id, hour)
    ) with (fillfactor = 80)`)
  await run(sql`create index on ${table('track_hours')} (hour)`)
  await run(sql`
    create table ${table('track_days')} (
      track_id uuid not null, day integer not null, owner_id uuid, rule smallint not null,
      sketch bytea not null, listeners integer not null, ${counts}, primary key (track_id, day)
    ) with (fillfactor = 80)`)
  await run(sql`create index on ${table('track_days')} (owner_id, day)`)
  await run(sql`create index on ${table('track_days')} (day)`)
  await run(sql`
    create table ${table('day_listeners')} (
      day integer not null, partition smallint not null, sketch bytea not null, primary key (day, partition)
    )`)
  await run(sql`
    create table ${table('rooms')} (
      room_id uuid not null, epoch text not null, last_offset bigint not null, primary key (room_id, epoch)
    ) with (fillfactor = 80)`)
  await run(sql`
    create table ${table('room_hours')} (
      room_id uuid not null, hour integer not null,
      messages bigint not null, reactions bigint not null, primary key (room_id, hour)
    ) with (fillfactor = 80)`)
  await run(sql`
    create table ${table('room_days')} (
      room_id uuid not null, day integer not null, messages bigint not null, reactions bigint not null,
      sketch bytea not null, people integer not null, primary key (room_id, day)
    ) with (fillfactor = 80)`)
  await run(sql`
    create table ${table('watermarks')} (
      topic text not null, partition smallint not null, at bigint not null, primary key (topic, partition)
    ) with (fillfactor = 50)`)
  await run(sql`
    create table ${table('track_changes')} (
      track_id uuid primary key, change bigint not null generated by default as identity
    ) with (fillfactor = 80)`)
}

export const analyticsModel: ReadModel<AnalyticsDatabase> = {
  schema: 'analytics',
  version: 1_000 * layout + playRule.version,
  createTables,
}
