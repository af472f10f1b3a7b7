import { hyperLogLog } from '@veza/kit/hyperloglog'
import { type AnalyticsDatabase } from '@veza/streams/store'
import { type Kysely, sql } from 'kysely'
import { type Pace, paceKey } from '../domain/paces.ts'
import { type Change, type Growth, isClean } from '../domain/settle.ts'
import { column } from './arrays.ts'
import { listenersOf } from './hearings.ts'

type Db = Kysely<AnalyticsDatabase>

/** Registers of a sketch, as powers of two: an error of 2.3 % for a track or a room, 0.8 % for the platform. */
const [smallBits, largeBits] = [11, 14]

/** Adds to paces. @returns what they are now, by their keys */
export const addPaces = async (
  trx: Db,
  schema: string,
  added: ReadonlyMap<string, Pace>,
): Promise<Map<string, Pace>> => {
  if (added.size === 0) return new Map()
  const rows = [...added.values()]
  const { rows: now } = await sql<Pace>`
    insert into ${sql.id(schema, 'paces')} as p (kind, who, slot, amount)
    select * from unnest(
      ${column(rows, 'text', ({ kind }) => kind)}, ${column(rows, 'uuid', ({ who }) => who)},
      ${column(rows, 'int', ({ slot }) => slot)}, ${column(rows, 'int', ({ amount }) => amount)})
    on conflict (kind, who, slot) do update set amount = p.amount + excluded.amount
    returning kind, who, slot, amount`.execute(trx)
  return new Map(now.map((pace) => [paceKey(pace), pace]))
}

const grown = (rows: readonly Growth[]) => sql`
  ${column(rows, 'bigint', (row) => row.plays)}, ${column(rows, 'bigint', (row) => row.seconds)},
  ${column(rows, 'bigint', (row) => row.impossible)}, ${column(rows, 'bigint', (row) => row.overlapping)},
  ${column(rows, 'bigint', (row) => row.burst)}`

const adding = (alias: string) =>
  sql.raw(
    ['plays', 'seconds', 'impossible', 'overlapping', 'burst']
      .map((name) => `${name} = ${alias}.${name} + excluded.${name}`)
      .join(', '),
  )

/** @param rows ascending, as those of addDays */
export const addHours = async (trx: Db, schema: string, rows: readonly Growth[]): Promise<void> => {
  if (rows.length === 0) return
  await sql`
    insert into ${sql.id(schema, 'track_hours')} as t (
      track_id, hour, plays, seconds, impossible, overlapping, burst)
    select * from unnest(
      ${column(rows, 'uuid', (row) => row.trackId)}, ${column(rows, 'int', (row) => row.at)}, ${grown(rows)})
    on conflict (track_id, hour) do update set ${adding('t')}`.execute(trx)
}

/** Also notes that these tracks' totals are to be told. */
export const addDays = async (
  trx: Db,
  schema: string,
  rows: readonly Growth[],
  rule: number,
): Promise<void> => {
  if (rows.length === 0) return
  await sql`
    insert into ${sql.id(schema, 'track_days')} as t (
      track_id, day, owner_id, plays, seconds, impossible, overlapping, burst, rule, sketch, listeners)
    select grown.*, ${rule}::smallint, ${hyperLogLog(smallBits).toBytes()}::bytea, 0 from unnest(
      ${column(rows, 'uuid', (row) => row.trackId)}, ${column(rows, 'int', (row) => row.at)},
      ${column(rows, 'uuid', (row) => row.ownerId)}, ${grown(rows)}) as grown
    on conflict (track_id, day) do update set
      owner_id = coalesce(excluded.owner_id, t.owner_id), ${adding('t')}`.execute(trx)
  const tracks = [...new Set(rows.map(({ trackId }) => trackId))]
  await sql`
    insert into ${sql.id(schema, 'track_changes')} (track_id)
    select * from unnest(${column(tracks, 'uuid', (id) => id)})
    on conflict (track_id) do update set change = excluded.change`.execute(trx)
}

interface TrackDay {
  readonly trackId: string
  readonly day: number
}

const dayKey = ({ trackId, day }: TrackDay): string => `${trackId}${day}`

/**
 * Who is among the listeners of tracks' days. A sketch can't forget anybody: where a play does not count any more, it is
 * made anew from the hearings, which are all there as long as one of that day can change.
 */
export const addListeners = async (trx: Db, schema: string, changes: readonly Change[]): Promise<void> => {
  const days = new Map<string, TrackDay & { joined: string[]; left: boolean }>()
  for (const { before, after } of changes) {
    const [was, is] = [isClean(before), isClean(after)]
    if (was === is) continue
    const place = { trackId: after.trackId, day: Math.floor(after.hour / 24) }
    const day = days.get(dayKey(place)) ?? { ...place, joined: [], left: false }
    if (is) day.joined.push(after.listener)
    else day.left = true
    days.set(dayKey(place), day)
  }
  if (days.size === 0) return
  const wanted = [...days.values()].sort((one, other) =>
    one.trackId === other.trackId ? one.day - other.day : one.trackId < other.trackId ? -1 : 1,
  )
  const { rows } = await sql<TrackDay & { sketch: Buffer }>`
    select track_id as "trackId", day, sketch from ${sql.id(schema, 'track_days')}
    where (track_id, day) in (select * from unnest(
      ${column(wanted, 'uuid', ({ trackId }) => trackId)}, ${column(wanted, 'int', ({ day }) => day)}))
    order by track_id, day for update`.execute(trx)
  const anew = wanted.filter(({ left }) => left)
  const sketches = new Map(anew.map((day) => [dayKey(day), hyperLogLog(smallBits)]))
  for (const one of await listenersOf(trx, schema, anew)) sketches.get(dayKey(one))?.add(one.listener)
  const fresh = rows.flatMap((row) => {
    const made = sketches.get(dayKey(row))
    const sketch = made ?? hyperLogLog(smallBits, row.sketch)
    const joined = (days.get(dayKey(row))?.joined ?? []).map((listener) => sketch.add(listener))
    return made !== undefined || joined.some(Boolean) ? [{ ...row, sketch }] : []
  })
  if (fresh.length === 0) return
  await sql`
    update ${sql.id(schema, 'track_days')} as t set sketch = fresh.sketch, listeners = fresh.listeners
    from unnest(
      ${column(fresh, 'uuid', ({ trackId }) => trackId)}, ${column(fresh, 'int', ({ day }) => day)},
      ${column(fresh, 'bytea', ({ sketch }) => sketch.toBytes())},
      ${column(fresh, 'int', ({ sketch }) => sketch.estimate())}) as fresh (track_id, day, sketch, listeners)
    where t.track_id = fresh.track_id and t.day = fresh.day`.execute(trx)
}

const hasHeard = (hearing: Change['before']): boolean =>
  hearing !== undefined && hearing.heard >= hearing.required

/** Who heard enough of a track for a play, be it counted or apart, by day and partition: nobody ceases to have. */
export const addToDays = async (trx: Db, schema: string, changes: readonly Change[]): Promise<void> => {
  const joined = new Map<string, { day: number; partition: number; listeners: string[] }>()
  for (const { before, after } of changes) {
    if (!hasHeard(after) || hasHeard(before)) continue
    const [day, { partition }] = [Math.floor(after.hour / 24), after]
    const key = `${day}/${partition}`
    const known = joined.get(key) ?? { day, partition, listeners: [] }
    known.listeners.push(after.listener)
    joined.set(key, known)
  }
  if (joined.size === 0) return
  const wanted = [...joined.values()].sort(
    (one, other) => one.day - other.day || one.partition - other.partition,
  )
  const { rows } = await sql<{ day: number; partition: number; sketch: Buffer }>`
    select day, partition, sketch from ${sql.id(schema, 'day_listeners')}
    where (day, partition) in (select * from unnest(
      ${column(wanted, 'int', ({ day }) => day)}, ${column(wanted, 'smallint', ({ partition }) => partition)}))
    order by day, partition for update`.execute(trx)
  const known = new Map(rows.map((row) => [`${row.day}/${row.partition}`, row.sketch]))
  const fresh = wanted.flatMap(({ day, partition, listeners }) => {
    const sketch = hyperLogLog(largeBits, known.get(`${day}/${partition}`))
    return listeners.map((listener) => sketch.add(listener)).some(Boolean) ? [{ day, partition, sketch }] : []
  })
  if (fresh.length === 0) return
  await sql`
    insert into ${sql.id(schema, 'day_listeners')} (day, partition, sketch)
    select * from unnest(
      ${column(fresh, 'int', ({ day }) => day)}, ${column(fresh, 'smallint', ({ partition }) => partition)},
      ${column(fresh, 'bytea', ({ sketch }) => sketch.toBytes())})
    on conflict (day, partition) do update set sketch = excluded.sketch`.execute(trx)
}
