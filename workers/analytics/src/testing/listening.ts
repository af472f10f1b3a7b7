import { type ListeningReported, topics } from '@veza/contracts'
import { type Message } from '@veza/kit/worker'
import { type AnalyticsDatabase } from '@veza/streams/store'
import { type Kysely, sql } from 'kysely'

type Reported = Message<typeof topics.listeningEvents>

/** An id that a number stands for. */
export const idOf = (kind: string, n: number): string =>
  `${Buffer.from(kind.padEnd(4, '-').slice(0, 4)).toString('hex')}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

/** UUID version 7 of a session that began at a time; sessions of one millisecond differ by their number. */
export const sessionOf = (startedAt: number, n = 0): string => {
  const time = startedAt.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`
}

/** A listening: who hears what from when on, and for how long, seconds. */
export interface Listening {
  readonly listener: string
  readonly track: string
  readonly owner?: string
  readonly startedAt: number
  readonly seconds: number
  readonly durationMs?: number
  readonly address?: string | undefined
  readonly session?: number
}

/** What a player says of a listening: at the start, every ten seconds and at the end. */
export const reportsOf = ({
  listener,
  track,
  owner,
  startedAt,
  seconds,
  durationMs = 240_000,
  address,
  session = 0,
}: Listening): ListeningReported[] => {
  const positions = Array.from({ length: Math.floor(seconds / 10) + 1 }, (_, n) => n * 10)
  if (positions.at(-1) !== seconds) positions.push(seconds)
  return positions.map((position, nth) => ({
    trackId: track,
    sessionId: sessionOf(startedAt, session),
    listenerId: listener,
    positionMs: position * 1000,
    state: nth === positions.length - 1 ? 'ended' : 'playing',
    reportedAt: startedAt + position * 1000,
    durationMs,
    ownerId: owner ?? null,
    addressTag: address ?? null,
  }))
}

/** As the worker gets it. Kafka has it when it was reported, unless told otherwise. */
export const messageOf = (
  value: ListeningReported,
  { partition = 0, offset = 0, timestamp = value.reportedAt } = {},
): Reported => ({
  type: 'ListeningReported',
  value,
  id: `${partition}/${offset}`,
  traceparent: undefined,
  record: {
    ...{ topic: topics.listeningEvents.name, partition, offset, timestamp, key: value.trackId },
    ...{ value: null, headers: {} },
  },
})

const counted = [
  'hearings',
  'paces',
  'track_hours',
  'track_days',
  'day_listeners',
  'room_hours',
  'room_days',
] as const

/** All that is counted, as text that can be compared. @param tracks of these alone, as other tests write to the same topic */
export const countsIn = async (
  db: Kysely<AnalyticsDatabase>,
  schema = 'analytics',
  tracks?: readonly string[],
): Promise<Record<string, string[]>> => {
  const tables = tracks === undefined ? counted : (['hearings', 'track_hours', 'track_days'] as const)
  const entries = await Promise.all(
    tables.map(async (table) => {
      const those = tracks === undefined ? sql`` : sql`where track_id = any(${[...tracks]}::uuid[])`
      // A pace of nothing is none.
      const some = table === 'paces' ? sql`where amount <> 0` : those
      const { rows } = await sql<{ row: string }>`
        select t::text as row from ${sql.id(schema, table)} as t ${some} order by 1`.execute(db)
      return [table, rows.map(({ row }) => row)] as const
    }),
  )
  return Object.fromEntries(entries)
}

/** The sums of a track over all days. */
export const sumsOf = async (db: Kysely<AnalyticsDatabase>, trackId: string, schema = 'analytics') => {
  const { rows } = await sql<Record<string, number>>`
    select sum(plays)::int as plays, sum(seconds)::int as seconds, sum(impossible)::int as impossible,
      sum(overlapping)::int as overlapping, sum(burst)::int as burst, sum(listeners)::int as listeners
    from ${sql.id(schema, 'track_days')} where track_id = ${trackId}`.execute(db)
  return rows[0]
}

/** Draws nothing by chance: with this salt no two of the first people of `idOf` are one in a sketch. @param days since 1970 */
export const fixSalts = async (db: Kysely<AnalyticsDatabase>, days: readonly number[]): Promise<void> => {
  const salt = Buffer.alloc(32, 1)
  for (const day of days) await sql`insert into salts values (${day}, ${salt})`.execute(db)
}
