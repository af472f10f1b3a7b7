import { type ListeningReported } from '@veza/contracts'
import { type Pass } from '../domain/pass.ts'

/** What a player says of itself. */
export interface Report {
  /** Seconds from the track's beginning. */
  readonly position: number
  readonly state: 'playing' | 'paused' | 'ended'
}

/** Domain to contract record: the only place that knows both. */
export const listeningReported = (
  pass: Pass,
  { position, state }: Report,
  { at, addressTag }: { at: Date; addressTag: string | undefined },
): ListeningReported => ({
  trackId: pass.trackId,
  sessionId: pass.sessionId,
  listenerId: pass.listenerId,
  positionMs: Math.round(position * 1000),
  state,
  reportedAt: at.getTime(),
  durationMs: pass.durationMs,
  ownerId: pass.ownerId ?? null,
  addressTag: addressTag ?? null,
})
