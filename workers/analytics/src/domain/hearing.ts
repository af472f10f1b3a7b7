import { type ListeningReported } from '@veza/contracts'
import { type PlayRule, reasons } from '@veza/streams/store'
import { lengthOf, type Parts, union } from './parts.ts'

/**
 * What one listener heard of one track in the sessions that they began in one hour. Each part of it is the least, the
 * greatest or the union of what reports say, so that neither their order matters nor how often one comes.
 */
export interface Hearing {
  readonly trackId: string
  /** Since the Unix epoch, UTC. */
  readonly hour: number
  /** Stands for the person on that day only. */
  readonly listener: string
  /** Of the topic: all reports of a track are in one. */
  readonly partition: number
  /** The beginning of the first session, milliseconds since the Unix epoch as the two after it. */
  readonly startedAt: number
  readonly firstAt: number
  readonly lastAt: number
  readonly furthestMs: number
  /** 0: unknown. */
  readonly durationMs: number
  readonly ownerId: string | null
  /** What stands for the network that the first report came from. */
  readonly address: string | null
  readonly parts: Parts
}

/** What the rule makes of a hearing by itself. */
export interface Verdict {
  /** Seconds of the track. */
  readonly heard: number
  /** The slot of time in which it began; null: it is no play, nor does it claim to be one. */
  readonly slot: number | null
  /** Seconds that a play of this track needs. */
  readonly required: number
  /** What it says can't be. */
  readonly impossible: boolean
}

export const hourMs = 3_600_000

/** Bits of a hearing's reasons. */
export const bitOf = {
  impossible: 1 << reasons.indexOf('impossible'),
  overlapping: 1 << reasons.indexOf('overlapping'),
  burst: 1 << reasons.indexOf('burst'),
} as const

/** When a session began, from its id (UUID version 7); undefined: it is none of ours. */
export const sessionStart = (sessionId: string): number | undefined =>
  sessionId[14] === '7' ? Number.parseInt(sessionId.slice(0, 8) + sessionId.slice(9, 13), 16) : undefined

/** One report as a hearing of its own. @param listener what stands for the listener on the day of `startedAt` */
export const hearingOf = (
  { report: { creditSeconds } }: PlayRule,
  report: ListeningReported,
  { startedAt, listener, partition }: { startedAt: number; listener: string; partition: number },
): Hearing => {
  const to = Math.floor(report.positionMs / 1000)
  const from = Math.max(0, to - creditSeconds)
  return {
    trackId: report.trackId,
    hour: Math.floor(startedAt / hourMs),
    listener,
    partition,
    startedAt,
    firstAt: report.reportedAt,
    lastAt: report.reportedAt,
    furthestMs: report.positionMs,
    durationMs: report.durationMs,
    ownerId: report.ownerId,
    address: report.addressTag,
    parts: to > from ? [from, to] : [],
  }
}

const isEarlier = (one: Hearing, other: Hearing): boolean =>
  one.firstAt !== other.firstAt ? one.firstAt < other.firstAt : (one.address ?? '') <= (other.address ?? '')

const leastKnown = (one: number, other: number): number =>
  one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other)

const greatest = (one: string | null, other: string | null): string | null =>
  (one ?? '') >= (other ?? '') ? one : other

/** Both together. They are of one track, hour and listener. */
export const merge = (one: Hearing, other: Hearing): Hearing => ({
  trackId: one.trackId,
  hour: one.hour,
  listener: one.listener,
  partition: one.partition,
  startedAt: Math.min(one.startedAt, other.startedAt),
  firstAt: Math.min(one.firstAt, other.firstAt),
  lastAt: Math.max(one.lastAt, other.lastAt),
  furthestMs: Math.max(one.furthestMs, other.furthestMs),
  durationMs: leastKnown(one.durationMs, other.durationMs),
  ownerId: greatest(one.ownerId, other.ownerId),
  address: isEarlier(one, other) ? one.address : other.address,
  parts: union(one.parts, other.parts),
})

/** Seconds of a track that a play needs. */
const requiredOf = ({ play }: PlayRule, durationMs: number): number => {
  const share = Math.floor((durationMs * play.shareOfTrack) / 1000)
  return durationMs === 0 ? play.seconds : Math.max(1, Math.min(play.seconds, share))
}

export const judge = (rule: PlayRule, hearing: Hearing): Verdict => {
  const { creditSeconds, slackSeconds, fastest } = rule.report
  const covered = lengthOf(hearing.parts)
  const could = Math.floor((Math.max(0, hearing.lastAt - hearing.startedAt) / 1000) * fastest)
  const required = requiredOf(rule, hearing.durationMs)
  const heard = Math.min(covered, could)
  // Each jump is credited with seconds that were not heard.
  const credited = (hearing.parts.length / 2) * creditSeconds + slackSeconds
  const beyond = hearing.durationMs > 0 && hearing.furthestMs > hearing.durationMs + slackSeconds * 1000
  const impossible = covered >= required && (beyond || covered > could + credited)
  const slot = Math.floor(hearing.startedAt / 1000 / rule.apart.withinSeconds)
  return { heard, required, impossible, slot: impossible || heard >= required ? slot : null }
}
