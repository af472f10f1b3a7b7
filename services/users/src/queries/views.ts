import { type Kysely, sql } from 'kysely'
import { setTimeout as delay } from 'node:timers/promises'
import { type ViewsDatabase } from '../adapters/schema.ts'

/** The views are behind what the caller has to see. It may be over in a moment. */
export class ViewsBehind extends Error {
  override readonly name = 'ViewsBehind'
}

const firstPauseMs = 10
// Views that are far behind are asked by all who wait: if each asked a hundred times a second, that alone would keep them
// behind.
const longestPauseMs = 250
const patienceMs = 3_000

/**
 * Reads again until what was read is new enough, for three seconds at most.
 *
 * @param read gives undefined while the views are behind
 */
export const whenCaughtUp = async <T>(read: () => Promise<T | undefined>): Promise<T> => {
  const deadline = performance.now() + patienceMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    const found = await read()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new ViewsBehind('the views have not caught up')
    await delay(pauseMs)
  }
}

/** Version of a pair's stream that the views have seen; 0 = none, undefined = one of the two was erased. */
export const seenOfPair = async (
  views: Kysely<ViewsDatabase>,
  [low, high]: readonly [string, string],
): Promise<number | undefined> => {
  const row = await views
    .selectFrom('pairs')
    .select('version')
    .where('low_id', '=', low)
    .where('high_id', '=', high)
    .executeTakeFirst()
  if (row !== undefined) return row.version
  const erased = await views
    .selectFrom('profiles')
    .select('user_id')
    .where('user_id', 'in', [low, high])
    .where('erased', '=', true)
    .executeTakeFirst()
  return erased === undefined ? 0 : undefined
}

/** Neither the viewer nor the person whose id is in the column blocks the other. */
export const notBlocked = (views: Kysely<ViewsDatabase>, viewerId: string, column: string) =>
  sql<boolean>`not exists (${views
    .selectFrom('blocks')
    .select(sql`1`.as('one'))
    .where((eb) =>
      eb.or([
        eb.and([eb('blocker_id', '=', viewerId), eb('blocked_id', '=', sql.ref<string>(column))]),
        eb.and([eb('blocked_id', '=', viewerId), eb('blocker_id', '=', sql.ref<string>(column))]),
      ]),
    )})`
