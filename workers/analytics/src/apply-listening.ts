import { type topics } from '@veza/contracts'
import { type Message } from '@veza/kit/worker'
import { type AnalyticsDatabase, type DailyDigests, type PlayRule } from '@veza/streams/store'
import { type Kysely, sql } from 'kysely'
import { isHeldByAnother, loadHearings, loadPlaysOf, saveHearings } from './adapters/hearings.ts'
import { alone, besideOthers } from './adapters/turns.ts'
import { addDays, addHours, addListeners, addPaces, addToDays } from './adapters/sums.ts'
import { type Hearing, hearingOf, hourMs, merge, sessionStart } from './domain/hearing.ts'
import { isOfSamePaces, paceChanges, turned, withPaces } from './domain/paces.ts'
import {
  type Change,
  comparePlaces,
  type Counted,
  growthOf,
  grow,
  isChanged,
  placeKey,
} from './domain/settle.ts'

type Reported = Message<typeof topics.listeningEvents>

/** A clock of ours may go before another's so much. */
const skewMs = 10 * 60_000

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Why a report can't be taken in, ever. */
export const refuseReport = ({ value, record }: Reported): string | undefined => {
  if (!uuid.test(value.trackId)) return 'the track is no UUID'
  const startedAt = sessionStart(value.sessionId)
  if (startedAt === undefined) return 'the session is no UUID of version 7'
  if (value.positionMs < 0) return 'a position before the beginning'
  if (value.reportedAt > record.timestamp + skewMs) return 'reported after it was written'
  return startedAt > value.reportedAt + skewMs ? 'reported before the session began' : undefined
}

export interface ListeningDeps {
  readonly rule: PlayRule
  readonly salts: DailyDigests
  /** Told of reports that came too late to be counted. */
  readonly onLate: (reports: number) => void
}

/** The hearings that a chunk's reports are of, in the order of their places. What a listener heard before `since` is left out: hours since the Unix epoch. */
const gather = async (
  { rule, salts, onLate }: ListeningDeps,
  reports: readonly Reported[],
  since: number,
): Promise<Hearing[]> => {
  const wanted: { report: Reported; startedAt: number; day: number }[] = []
  let late = 0
  for (const report of reports) {
    const startedAt = sessionStart(report.value.sessionId) ?? 0
    const hour = Math.floor(startedAt / hourMs)
    // By when Kafka got it, not by when it is read: a recount leaves out the same ones.
    if (report.record.timestamp - hour * hourMs > rule.lateHours * hourMs) late++
    else if (hour >= since) wanted.push({ report, startedAt, day: Math.floor(hour / 24) })
  }
  if (late > 0) onLate(late)
  await salts.prepare(new Set(wanted.map(({ day }) => day)))
  const hearings = new Map<string, Hearing>()
  for (const { report, startedAt, day } of wanted) {
    const listener = salts.digest(day, report.value.listenerId)
    const hearing = hearingOf(rule, report.value, { startedAt, listener, partition: report.record.partition })
    const key = placeKey(hearing)
    const known = hearings.get(key)
    hearings.set(key, known === undefined ? hearing : merge(known, hearing))
  }
  return [...hearings.values()].sort(comparePlaces)
}

/**
 * Takes hearings into the counts. What is counted is a function of the hearings, and each of them of a set of reports: a
 * change takes back what the hearing was and adds what it is.
 *
 * @param isAlone false: rejects when another chunk has a hearing that this one draws in (isHeldByAnother)
 */
const fold = async (
  trx: Kysely<AnalyticsDatabase>,
  schema: string,
  { rule, came, isAlone }: { rule: PlayRule; came: readonly Hearing[]; isAlone: boolean },
): Promise<void> => {
  const known = await loadHearings(trx, schema, came)
  const own = came
    .map((hearing, index): Change => {
      const before = known[index]
      return { before, after: grow(rule, before, hearing) }
    })
    .filter(isChanged)
  if (own.length === 0) return

  const added = paceChanges(own)
  const now = await addPaces(trx, schema, added)
  const crossed = turned(rule, added, now)
  const settled = own.map((change): Change => {
    const { before, after } = change
    // What it has of its paces stays, unless one of these went past its limit.
    if (crossed.length === 0 && before !== undefined && isOfSamePaces(before, after)) return change
    const judged = withPaces(rule, after, now)
    return judged === after ? change : { before, after: judged }
  })
  const others = await loadPlaysOf(trx, schema, crossed, { wait: isAlone })
  const taken = new Set(others.length === 0 ? [] : own.map(({ after }) => placeKey(after)))
  const drawnIn = others
    .filter((hearing) => !taken.has(placeKey(hearing)))
    .map((hearing): Change => ({ before: hearing, after: withPaces(rule, hearing, now) }))
    .filter(isChanged)
  const changes =
    drawnIn.length === 0
      ? settled
      : [...settled, ...drawnIn].sort((one, other) => comparePlaces(one.after, other.after))

  await saveHearings(
    trx,
    schema,
    changes.map(({ after }): Counted => after),
  )
  const { hours, days } = growthOf(changes)
  await addHours(trx, schema, hours)
  await addDays(trx, schema, days, rule.version)
  await addListeners(trx, schema, changes)
  await addToDays(trx, schema, changes)
}

/**
 * Takes reports into the counts, in the transaction that is given.
 *
 * Chunks of other partitions are taken in at the same time. Each locks its own hearings, then paces, which partitions share:
 * all in one order, so that nobody waits in a circle. But a pace that goes past its limit draws in hearings of other
 * partitions, after it: one that is held then may be held by who waits for the pace. So it begins again, alone.
 */
export const applyListening =
  (deps: ListeningDeps) =>
  async (
    trx: Kysely<AnalyticsDatabase>,
    schema: string,
    reports: readonly Reported[],
    since = 0,
  ): Promise<void> => {
    const { rule } = deps
    const came = await gather(deps, reports, since)
    if (came.length === 0) return
    await sql`savepoint beside_others`.execute(trx)
    try {
      await besideOthers(trx, schema)
      await fold(trx, schema, { rule, came, isAlone: false })
    } catch (error) {
      if (!isHeldByAnother(error)) throw error
      // Lets go of all locks that were taken since, so that the others end.
      await sql`rollback to savepoint beside_others`.execute(trx)
      await alone(trx, schema)
      await fold(trx, schema, { rule, came, isAlone: true })
    }
  }
