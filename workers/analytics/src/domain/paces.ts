import { type PaceKind, type PlayRule } from '@veza/streams/store'
import { bitOf } from './hearing.ts'
import { type Counted } from './settle.ts'

/** What one listener, or one network, begins in one slot of time: seconds that plays need, or plays. */
export interface Pace {
  readonly kind: PaceKind
  readonly who: string
  readonly slot: number
  /** The sum; or, on the way to the database, what is added to it. */
  readonly amount: number
}

/** Of an amount that is above what can be, or above what is usual. */
const isOver = ({ apart }: PlayRule, kind: PaceKind, amount: number): boolean =>
  amount > (kind === 'listener' ? apart.listenerPlaySeconds : apart.addressPlays)

export const bitOfKind: Readonly<Record<PaceKind, number>> = {
  listener: bitOf.overlapping,
  address: bitOf.burst,
}

/** What a hearing adds to which paces. */
export const pacesOf = ({ slot, listener, address, required }: Counted): Pace[] => {
  if (slot === null) return []
  const own: Pace = { kind: 'listener', who: listener, slot, amount: required }
  return address === null ? [own] : [own, { kind: 'address', who: address, slot, amount: 1 }]
}

/** Most reports say more of a play that is known, or of what is none yet. */
export const isOfSamePaces = (before: Counted, after: Counted): boolean =>
  before.slot === after.slot &&
  (after.slot === null || (before.address === after.address && before.required === after.required))

export const paceKey = ({ kind, who, slot }: Omit<Pace, 'amount'>): string => `${kind}/${who}/${slot}`

/**
 * What a change adds to the paces that it touches, by their keys: also 0, where one hearing took another's place.
 * Ascending, so that all workers lock rows in one order.
 */
export const paceChanges = (
  changes: readonly { readonly before: Counted | undefined; readonly after: Counted }[],
): Map<string, Pace> => {
  const sums = new Map<string, Pace>()
  const add = (pace: Pace, sign: 1 | -1): void => {
    const key = paceKey(pace)
    sums.set(key, { ...pace, amount: (sums.get(key)?.amount ?? 0) + sign * pace.amount })
  }
  for (const { before, after } of changes) {
    if (before !== undefined && isOfSamePaces(before, after)) continue
    const [old, fresh] = [before === undefined ? [] : pacesOf(before), pacesOf(after)]
    const same = (pace: Pace) => (other: Pace) =>
      paceKey(pace) === paceKey(other) && pace.amount === other.amount
    for (const pace of old) if (!fresh.some(same(pace))) add(pace, -1)
    for (const pace of fresh) if (!old.some(same(pace))) add(pace, 1)
  }
  return new Map([...sums].sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** Which paces went above what can be, or came back: all that belongs to them is judged anew. */
export const turned = (
  rule: PlayRule,
  added: ReadonlyMap<string, Pace>,
  now: ReadonlyMap<string, Pace>,
): Pace[] =>
  [...now].flatMap(([key, pace]) => {
    const before = pace.amount - (added.get(key)?.amount ?? 0)
    return isOver(rule, pace.kind, pace.amount) === isOver(rule, pace.kind, before) ? [] : [pace]
  })

/** The reasons of a hearing: what it had, but for the paces that are known now. */
export const withPaces = (rule: PlayRule, hearing: Counted, now: ReadonlyMap<string, Pace>): Counted => {
  if (hearing.slot === null || now.size === 0) return hearing
  let { reasons } = hearing
  for (const pace of pacesOf(hearing)) {
    const known = now.get(paceKey(pace))
    if (known === undefined) continue
    const bit = bitOfKind[pace.kind]
    reasons = isOver(rule, pace.kind, known.amount) ? reasons | bit : reasons & ~bit
  }
  return reasons === hearing.reasons ? hearing : { ...hearing, reasons }
}
