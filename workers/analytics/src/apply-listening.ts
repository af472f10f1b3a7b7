import { type topics } from '@veza/contracts'
import { type Message } from '@veza/kit/worker'
import { type AnalyticsDatabase, type DailyDigests, type PlayRule } from '@veza/streams/store'
import { type Kysely } from 'kysely'
import { loadHearings, loadPlaysOf, saveHearings } from './adapters/hearings.ts'
import { addDays, addHours, addListeners, addPaces, addToDays } from './adapters/sums.ts'
import { type Hearing, hearingOf, hourMs, merge, sessionStart } from './domain/hearing.ts'
import { paceChanges, turned, withPaces } from './domain/paces.ts'
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

/** Why a report can't be taken in, ever. */
export const refuseReport = ({ value, record }: Reported): string | undefined => {
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
  const placed = reports.map((report) => {
    const startedAt = sessionStart(report.value.sessionId) ?? 0
    return { report, startedAt, hour: Math.floor(startedAt / hourMs) }
  })
  // By when Kafka got it, not by when it is read: a recount leaves out the same ones.
  const timely = placed.filter(
    ({ report, hour }) => report.record.timestamp - hour * hourMs <= rule.lateHours * hourMs,
  )
  if (timely.length < placed.length) onLate(placed.length - timely.length)
  const wanted = timely.filter(({ hour }) => hour >= since)
  await salts.prepare(wanted.map(({ hour }) => Math.floor(hour / 24)))
  const hearings = new Map<string, Hearing>()
  for (const { report, startedAt, hour } of wanted) {
    const listener = salts.digest(Math.floor(hour / 24), report.value.listenerId)
    const hearing = hearingOf(rule, report.value, { startedAt, listener, partition: report.record.partition })
    const key = placeKey(hearing)
    const known = hearings.get(key)
    hearings.set(key, known === undefined ? hearing : merge(known, hearing))
  }
  return [...hearings.values()].sort(comparePlaces)
}

/**
 * Takes reports into the counts, in the transaction that is given. What is counted is a function of the hearings, and each
 * of them of a set of reports: a change takes back what the hearing was and adds what it is.
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
    const settled = own.map(({ before, after }): Change => ({ before, after: withPaces(rule, after, now) }))
    const others = await loadPlaysOf(trx, schema, turned(rule, added, now))
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
    await addHours(trx, schema, growthOf(changes, 1))
    await addDays(trx, schema, growthOf(changes, 24), rule.version)
    await addListeners(trx, schema, changes)
    await addToDays(trx, schema, changes)
  }
