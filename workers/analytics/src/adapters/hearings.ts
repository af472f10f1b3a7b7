import { type AnalyticsDatabase } from '@veza/streams/store'
import { type Kysely, sql } from 'kysely'
import { type Counted, type Place } from '../domain/settle.ts'
import { readParts, writeParts } from '../domain/parts.ts'
import { type Pace } from '../domain/paces.ts'
import { column } from './arrays.ts'

type Row = AnalyticsDatabase['hearings']

const toCounted = (
  row: Omit<Row, 'track_id' | 'hour' | 'listener'>,
  { trackId, hour, listener }: Place,
): Counted => ({
  trackId,
  hour,
  listener,
  partition: row.partition,
  startedAt: row.started_at,
  firstAt: row.first_at,
  lastAt: row.last_at,
  furthestMs: row.furthest_ms,
  durationMs: row.duration_ms,
  ownerId: row.owner_id,
  address: row.address,
  parts: readParts(row.parts),
  heard: row.heard,
  slot: row.slot,
  required: row.required,
  reasons: row.reasons,
})

/**
 * Those of these that are there, each at its place's index, locked.
 *
 * @param places ascending: two workers that want the same rows wait for each other, and never in a circle
 */
export const loadHearings = async (
  trx: Kysely<AnalyticsDatabase>,
  schema: string,
  places: readonly Place[],
): Promise<(Counted | undefined)[]> => {
  const { rows } = await sql<Omit<Row, 'track_id' | 'hour' | 'listener'> & { nth: number }>`
    select wanted.nth::int as nth, h.partition, h.started_at, h.first_at, h.last_at, h.furthest_ms, h.duration_ms,
      h.owner_id, h.address, h.parts, h.heard, h.slot, h.required, h.reasons
    from unnest(
      ${column(places, 'uuid', ({ trackId }) => trackId)}, ${column(places, 'int', ({ hour }) => hour)},
      ${column(places, 'uuid', ({ listener }) => listener)}
    ) with ordinality as wanted (track_id, hour, listener, nth)
    join ${sql.id(schema, 'hearings')} as h using (track_id, hour, listener)
    order by wanted.nth for update of h`.execute(trx)
  const found = new Array<Counted | undefined>(places.length).fill(undefined)
  for (const row of rows) {
    const place = places[row.nth - 1]
    if (place !== undefined) found[row.nth - 1] = toCounted(row, place)
  }
  return found
}

/** Is it a row that was not waited for (55P03)? */
export const isHeldByAnother = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '55P03'

/**
 * All plays that were begun by these listeners and from these networks in these slots, locked.
 *
 * @param wait for those that another transaction has: else rejects (isHeldByAnother)
 */
export const loadPlaysOf = async (
  trx: Kysely<AnalyticsDatabase>,
  schema: string,
  paces: readonly Omit<Pace, 'amount'>[],
  { wait }: { readonly wait: boolean },
): Promise<Counted[]> => {
  if (paces.length === 0) return []
  const of = (kind: Pace['kind']) => {
    const those = paces.filter((pace) => pace.kind === kind)
    return sql`select * from unnest(${column(those, 'uuid', ({ who }) => who)}, ${column(those, 'int', ({ slot }) => slot)})`
  }
  const table = sql.id(schema, 'hearings')
  const { rows } = await sql<Row>`
    select * from ${table} where (track_id, hour, listener) in (
      select track_id, hour, listener from ${table} where (listener, slot) in (${of('listener')})
      union
      select track_id, hour, listener from ${table} where (address, slot) in (${of('address')}))
    order by track_id, hour, listener for update ${wait ? sql`` : sql`nowait`}`.execute(trx)
  return rows.map((row) => toCounted(row, { trackId: row.track_id, hour: row.hour, listener: row.listener }))
}

/** @param rows ascending */
export const saveHearings = async (
  trx: Kysely<AnalyticsDatabase>,
  schema: string,
  rows: readonly Counted[],
): Promise<void> => {
  if (rows.length === 0) return
  await sql`
    insert into ${sql.id(schema, 'hearings')} as h (
      track_id, hour, listener, partition, started_at, first_at, last_at, furthest_ms, duration_ms, owner_id,
      address, parts, heard, slot, required, reasons)
    select * from unnest(
      ${column(rows, 'uuid', (row) => row.trackId)}, ${column(rows, 'int', (row) => row.hour)},
      ${column(rows, 'uuid', (row) => row.listener)}, ${column(rows, 'smallint', (row) => row.partition)},
      ${column(rows, 'bigint', (row) => row.startedAt)}, ${column(rows, 'bigint', (row) => row.firstAt)},
      ${column(rows, 'bigint', (row) => row.lastAt)}, ${column(rows, 'bigint', (row) => row.furthestMs)},
      ${column(rows, 'bigint', (row) => row.durationMs)}, ${column(rows, 'uuid', (row) => row.ownerId)},
      ${column(rows, 'uuid', (row) => row.address)}, ${column(rows, 'text', (row) => writeParts(row.parts))},
      ${column(rows, 'int', (row) => row.heard)}, ${column(rows, 'int', (row) => row.slot)},
      ${column(rows, 'smallint', (row) => row.required)}, ${column(rows, 'smallint', (row) => row.reasons)})
    on conflict (track_id, hour, listener) do update set
      started_at = excluded.started_at, first_at = excluded.first_at, last_at = excluded.last_at,
      furthest_ms = excluded.furthest_ms, duration_ms = excluded.duration_ms, owner_id = excluded.owner_id,
      address = excluded.address, parts = excluded.parts, heard = excluded.heard, slot = excluded.slot,
      required = excluded.required, reasons = excluded.reasons`.execute(trx)
}

/** Those whose plays of a track on a day count. */
export const listenersOf = async (
  trx: Kysely<AnalyticsDatabase>,
  schema: string,
  days: readonly { readonly trackId: string; readonly day: number }[],
): Promise<{ trackId: string; day: number; listener: string }[]> => {
  if (days.length === 0) return []
  const { rows } = await sql<{ trackId: string; day: number; listener: string }>`
    select distinct track_id as "trackId", day, listener
    from unnest(${column(days, 'uuid', ({ trackId }) => trackId)}, ${column(days, 'int', ({ day }) => day)})
      as wanted (track_id, day)
    join ${sql.id(schema, 'hearings')} using (track_id)
    where hour >= day * 24 and hour < day * 24 + 24 and slot is not null and reasons = 0`.execute(trx)
  return rows
}
