import {
  type AnalyticsDatabase,
  analyticsModel,
  type DailyDigests,
  dayOf,
  type PlayRule,
} from '@veza/streams/store'
import { topics } from '@veza/contracts'
import { type Kysely, sql } from 'kysely'
import { hourMs } from './domain/hearing.ts'

const piece = 10_000

/** Deletes in pieces, so that no transaction is long. */
const deleteAll = async (
  db: Kysely<AnalyticsDatabase>,
  statement: ReturnType<typeof sql>,
): Promise<number> => {
  for (let deleted = 0; ;) {
    const { numAffectedRows = 0n } = await statement.execute(db)
    deleted += Number(numAffectedRows)
    if (numAffectedRows < piece) return deleted
  }
}

/**
 * Deletes what no report can change any more, by the time that the topic's partitions have come to: hearings of whole days,
 * since a day's listeners are counted from all of them, and paces. And the salts of days whose events are gone.
 *
 * @returns how many hearings
 */
export const forgetOld =
  (deps: {
    readonly db: Kysely<AnalyticsDatabase>
    readonly rule: PlayRule
    readonly salts: Pick<DailyDigests, 'forget'>
    readonly saltsKeptMs: number
    readonly topic?: string
    readonly schema?: string
    readonly now?: () => Date
  }) =>
  async (): Promise<number> => {
    const { db, rule, salts, saltsKeptMs, topic = topics.listeningEvents.name } = deps
    const { schema = analyticsModel.schema, now = () => new Date() } = deps
    await salts.forget(dayOf(now().getTime() - saltsKeptMs))
    const { rows } = await sql<{ partition: number; at: number }>`
      select partition, at from ${sql.id(schema, 'watermarks')} where topic = ${topic}`.execute(db)
    let forgotten = 0
    const endOf = (at: number): number => dayOf(at - (rule.lateHours + 1) * hourMs)
    const hearings = sql.id(schema, 'hearings')
    for (const { partition, at } of rows)
      forgotten += await deleteAll(
        db,
        sql`
          delete from ${hearings} where ctid = any(array(
            select ctid from ${hearings}
            where hour < ${24 * endOf(at)} and partition = ${partition} limit ${piece}))`,
      )
    if (rows.length > 0) {
      const seconds = 86_400 * endOf(Math.min(...rows.map(({ at }) => at)))
      const paces = sql.id(schema, 'paces')
      await deleteAll(
        db,
        sql`
          delete from ${paces} where ctid = any(array(
            select ctid from ${paces} where slot < ${Math.floor(seconds / rule.apart.withinSeconds)}
            limit ${piece}))`,
      )
    }
    return forgotten
  }
