/** A signing key's place in time. */
export interface ScheduledKey {
  readonly kid: string
  /** From then on it is in the JWKS. */
  readonly publishedAt: Date
  /** From then on it may sign. */
  readonly activeAt: Date
}

/** All in milliseconds. */
export interface KeySchedule {
  /** How long one key signs. */
  readonly periodMs: number
  /** How long a key is published before it signs: every verifier must have read it by then. */
  readonly publishedBeforeMs: number
  /** How long a key is published after its successor began to sign: what it signed must have expired by then. */
  readonly keptAfterMs: number
}

/** What a schedule asks for at one moment. */
export interface KeyChanges {
  readonly create: { readonly publishedAt: Date; readonly activeAt: Date } | undefined
  /** Key ids whose private halves are to be destroyed. */
  readonly retire: readonly string[]
}

const later = (date: Date, ms: number) => new Date(date.getTime() + ms)
const newestFirst = (one: ScheduledKey, other: ScheduledKey) =>
  other.activeAt.getTime() - one.activeAt.getTime()

/** Pure: whether a next key is due, and which keys nobody needs any more. The very first key signs at once. */
export const dueChanges = (keys: readonly ScheduledKey[], schedule: KeySchedule, now: Date): KeyChanges => {
  const sorted = keys.toSorted(newestFirst)
  const [newest] = sorted
  if (newest === undefined) return { create: { publishedAt: now, activeAt: now }, retire: [] }

  const next = later(newest.activeAt, schedule.periodMs)
  const earliest = later(now, schedule.publishedBeforeMs)
  const create =
    earliest < next
      ? undefined
      : // Late (nobody ran at the time): it is published for as long as any other before it signs.
        { publishedAt: now, activeAt: earliest }
  // A key's successor is the next newer one; what signed until then is accepted a while longer.
  const retire = sorted
    .filter((_, index) => {
      const successor = sorted[index - 1]
      return successor !== undefined && later(successor.activeAt, schedule.keptAfterMs) <= now
    })
    .map(({ kid }) => kid)
  return { create, retire }
}

/**
 * Pure: the key that signs. The newest that is active; the oldest where none is yet, since the clock of the process
 * that created it may be ahead of ours. undefined: there is no key.
 */
export const signingKeyAt = <K extends ScheduledKey>(keys: readonly K[], now: Date): K | undefined => {
  const sorted = keys.toSorted(newestFirst)
  return sorted.find((key) => key.activeAt <= now) ?? sorted.at(-1)
}
