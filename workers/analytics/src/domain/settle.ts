import { type Counts, type PlayRule, reasons as names } from '@veza/streams/store'
import { bitOf, type Hearing, judge, merge } from './hearing.ts'

/** Which hearing. */
export type Place = Pick<Hearing, 'trackId' | 'hour' | 'listener'>

export const placeKey = ({ trackId, hour, listener }: Place): string => `${trackId}${hour}${listener}`

/** A hearing with what is counted of it. */
export interface Counted extends Hearing {
  readonly heard: number
  /** null: no play. */
  readonly slot: number | null
  readonly required: number
  /** Bits of `bitOf`. */
  readonly reasons: number
}

/** A hearing and what it becomes. */
export interface Change {
  readonly before: Counted | undefined
  readonly after: Counted
}

/**
 * What a hearing is with what came. What it has of paces stays, as long as it belongs to the same ones: those that it
 * comes to are known later.
 */
export const grow = (rule: PlayRule, before: Counted | undefined, came: Hearing): Counted => {
  const hearing = before === undefined ? came : merge(before, came)
  const { heard, slot, required, impossible } = judge(rule, hearing)
  const stayed = before !== undefined && slot !== null && before.slot === slot ? before.reasons : 0
  const kept = before?.address === hearing.address ? stayed : stayed & ~bitOf.burst
  const reasons = impossible ? kept | bitOf.impossible : kept & ~bitOf.impossible
  return { ...hearing, heard, slot, required, reasons }
}

const columns: readonly (keyof Counted)[] = [
  ...(['startedAt', 'firstAt', 'lastAt', 'furthestMs', 'durationMs', 'ownerId', 'address'] as const),
  ...(['heard', 'slot', 'required', 'reasons'] as const),
]

/** False for what was there already: a report that came again. */
export const isChanged = ({ before, after }: Change): boolean =>
  before === undefined ||
  columns.some((name) => before[name] !== after[name]) ||
  before.parts.length !== after.parts.length ||
  before.parts.some((second, index) => second !== after.parts[index])

/** Does the play count? */
export const isClean = (counted: Counted | undefined): boolean =>
  counted !== undefined && counted.slot !== null && counted.reasons === 0

const nothing: Counts = { plays: 0, seconds: 0, impossible: 0, overlapping: 0, burst: 0 }

/** What a hearing is in the sums: a play, or one apart for the first of its reasons; and seconds, while it has none. */
const countsOf = (counted: Counted | undefined): Counts => {
  if (counted === undefined) return nothing
  const { slot, heard, reasons } = counted
  if (reasons === 0) return { ...nothing, seconds: heard, plays: slot === null ? 0 : 1 }
  const first = names.find((name) => (reasons & bitOf[name]) !== 0)
  return first === undefined || slot === null ? nothing : { ...nothing, [first]: 1 }
}

const countNames = ['plays', 'seconds', 'impossible', 'overlapping', 'burst'] as const

/** What a sum grows by, may be less than 0. */
export interface Growth extends Counts {
  readonly trackId: string
  /** An hour or a day since the Unix epoch. */
  readonly at: number
  readonly ownerId: string | null
}

/** The growth of each track's hours, or days. @param hours of one bucket: 1 or 24 */
export const growthOf = (changes: readonly Change[], hours: number): Growth[] => {
  const sums = new Map<string, Growth>()
  for (const { before, after } of changes) {
    const at = Math.floor(after.hour / hours)
    const key = `${after.trackId}${at}`
    const sum = sums.get(key) ?? { ...nothing, trackId: after.trackId, at, ownerId: null }
    const [was, is] = [countsOf(before), countsOf(after)]
    const grown = countNames.map((name) => [name, sum[name] + is[name] - was[name]] as const)
    sums.set(key, {
      ...sum,
      ...(Object.fromEntries(grown) as unknown as Counts),
      ownerId: (after.ownerId ?? '') >= (sum.ownerId ?? '') ? after.ownerId : sum.ownerId,
    })
  }
  return [...sums.values()]
}
