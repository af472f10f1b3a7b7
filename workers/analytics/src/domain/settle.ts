import { type Counts, type PlayRule, reasons as names } from '@veza/streams/store'
import { bitOf, type Hearing, judge, merge } from './hearing.ts'
import { type Parts } from './parts.ts'

/** Which hearing. */
export type Place = Pick<Hearing, 'trackId' | 'hour' | 'listener'>

export const placeKey = ({ trackId, hour, listener }: Place): string => `${trackId}${hour}${listener}`

/** By track, then hour, then listener. */
export const comparePlaces = (one: Place, other: Place): number =>
  one.trackId !== other.trackId
    ? one.trackId < other.trackId
      ? -1
      : 1
    : one.hour !== other.hour
      ? one.hour - other.hour
      : one.listener < other.listener
        ? -1
        : 1

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
  // One literal, as rows that are read are: all have one shape, which is what makes reading their fields cheap.
  return {
    trackId: hearing.trackId,
    hour: hearing.hour,
    listener: hearing.listener,
    partition: hearing.partition,
    startedAt: hearing.startedAt,
    firstAt: hearing.firstAt,
    lastAt: hearing.lastAt,
    furthestMs: hearing.furthestMs,
    durationMs: hearing.durationMs,
    ownerId: hearing.ownerId,
    address: hearing.address,
    parts: hearing.parts,
    heard,
    slot,
    required,
    reasons,
  }
}

const isSame = (one: Parts, other: Parts): boolean =>
  one.length === other.length && one.every((second, index) => second === other[index])

/** False for what was there already: a report that came again. */
export const isChanged = ({ before, after }: Change): boolean =>
  before === undefined ||
  before.lastAt !== after.lastAt ||
  before.firstAt !== after.firstAt ||
  before.startedAt !== after.startedAt ||
  before.furthestMs !== after.furthestMs ||
  before.durationMs !== after.durationMs ||
  before.ownerId !== after.ownerId ||
  before.address !== after.address ||
  before.heard !== after.heard ||
  before.slot !== after.slot ||
  before.required !== after.required ||
  before.reasons !== after.reasons ||
  !isSame(before.parts, after.parts)

/** Does the play count? */
export const isClean = (counted: Counted | undefined): boolean =>
  counted !== undefined && counted.slot !== null && counted.reasons === 0

const countNames = ['plays', 'seconds', 'impossible', 'overlapping', 'burst'] as const

/** What a sum grows by, may be less than 0. */
export interface Growth extends Counts {
  readonly trackId: string
  /** An hour or a day since the Unix epoch. */
  readonly at: number
  readonly ownerId: string | null
}

type Growing = { -readonly [Name in keyof Growth]: Growth[Name] }

/** Adds what a hearing is in the sums: a play, or one apart for the first of its reasons; and seconds, while it has none. */
const count = (sum: Growing, counted: Counted | undefined, sign: 1 | -1): void => {
  if (counted === undefined) return
  const { slot, heard, reasons } = counted
  if (reasons === 0) {
    sum.seconds += sign * heard
    if (slot !== null) sum.plays += sign
    return
  }
  const first = names.find((name) => (reasons & bitOf[name]) !== 0)
  if (first !== undefined && slot !== null) sum[first] += sign
}

const hasGrown = (growth: Growth): boolean => countNames.some((name) => growth[name] !== 0)

const sumOf = (trackId: string, at: number): Growing => ({
  trackId,
  at,
  ownerId: null,
  plays: 0,
  seconds: 0,
  impossible: 0,
  overlapping: 0,
  burst: 0,
})

const noteOwner = (sum: Growing, ownerId: string | null): void => {
  if ((ownerId ?? '') >= (sum.ownerId ?? '')) sum.ownerId = ownerId
}

/**
 * The growth of each track's hours and days, where there is any, in the order of the places.
 *
 * @param changes in the order of their places
 */
export const growthOf = (changes: readonly Change[]): { hours: Growth[]; days: Growth[] } => {
  const hours: Growing[] = []
  let hour: Growing | undefined
  for (const { before, after } of changes) {
    if (hour?.at !== after.hour || hour.trackId !== after.trackId)
      hours.push((hour = sumOf(after.trackId, after.hour)))
    count(hour, before, -1)
    count(hour, after, 1)
    noteOwner(hour, after.ownerId)
  }
  const days: Growing[] = []
  let day: Growing | undefined
  for (const sum of hours) {
    const at = Math.floor(sum.at / 24)
    if (day?.at !== at || day.trackId !== sum.trackId) days.push((day = sumOf(sum.trackId, at)))
    for (const name of countNames) day[name] += sum[name]
    noteOwner(day, sum.ownerId)
  }
  return { hours: hours.filter(hasGrown), days: days.filter(hasGrown) }
}
