import { type Codec, toHeaders, topics } from '@veza/contracts'
import { uuidv7 } from '@veza/kit/ids'
import { type Producer } from '@veza/kit/kafka'
import { type AnalyticsDatabase, analyticsModel } from '@veza/streams/store'
import { type Kysely, sql } from 'kysely'
import { column } from './adapters/arrays.ts'

interface Totals {
  readonly trackId: string
  readonly ownerId: string | null
  readonly ruleVersion: number
  readonly plays: number
  readonly playsApart: number
  readonly listenedSeconds: number
  readonly day: string
  readonly dayPlays: number
  readonly dayListeners: number
}

/** Tracks of one transaction: their rows are locked for as long as the broker takes. */
const batch = 500

/** Strikes out what is then read: in two statements, so that the second sees what was there when the first had its locks. */
const take = async (trx: Kysely<AnalyticsDatabase>, schema: string): Promise<Totals[]> => {
  const table = sql.id(schema, 'track_changes')
  const { rows: taken } = await sql<{ track_id: string }>`
    delete from ${table} where track_id in (
      select track_id from ${table} order by change limit ${batch} for update skip locked)
    returning track_id`.execute(trx)
  if (taken.length === 0) return []
  const { rows } = await sql<Totals>`
    select
      track_id as "trackId", max(owner_id::text) as "ownerId", max(rule)::int as "ruleVersion",
      sum(plays)::bigint as plays, sum(impossible + overlapping + burst)::bigint as "playsApart",
      sum(seconds)::bigint as "listenedSeconds",
      to_char(date '1970-01-01' + max(day), 'YYYY-MM-DD') as day,
      (array_agg(plays order by day desc))[1] as "dayPlays",
      (array_agg(listeners order by day desc))[1]::bigint as "dayListeners"
    from ${sql.id(schema, 'track_days')}
    where track_id = any(${column(taken, 'uuid', ({ track_id }) => track_id)})
    group by track_id`.execute(trx)
  return rows
}

/**
 * Tells the totals of tracks that changed on analytics.track-stats.v1, each track's once however much changed. Which ones
 * did stands in the database, from the transaction that changed them, and is struck out in a transaction that ends when
 * the broker has the totals: whoever is killed between leaves them to be told again. A track's row is locked meanwhile, so
 * that no older totals come after newer ones.
 *
 * @returns how many
 */
export const publishStats =
  (deps: {
    readonly db: Kysely<AnalyticsDatabase>
    readonly codec: Codec
    readonly producer: Producer
    readonly schema?: string
    readonly now?: () => Date
  }) =>
  async (): Promise<number> => {
    const { db, codec, producer, schema = analyticsModel.schema, now = () => new Date() } = deps
    const type = 'TrackStatsChanged'
    const tellSome = (): Promise<number> =>
      db.transaction().execute(async (trx) => {
        const totals = await take(trx, schema)
        const countedAt = now()
        await producer.sendAll(
          totals.map((value) => ({
            topic: topics.trackStats.name,
            key: value.trackId,
            value: codec.encode(topics.trackStats, type, { ...value, countedAt: countedAt.getTime() }),
            headers: toHeaders({ id: uuidv7(countedAt), type, source: '/analytics', time: countedAt }),
          })),
        )
        return totals.length
      })
    for (let told = 0; ;) {
      const some = await tellSome()
      told += some
      if (some < batch) return told
    }
  }
