import { type ListeningReported } from '@veza/contracts'
import { type Pass } from '../domain/pass.ts'

/** What a player says of itself. */
export interface Report {
  /** Seconds from the track's beginning. */
  readonly position: number
  readonly state: 'playing' | 'paused' | 'ended'
}

/** Domain to contract record: the only place that knows both. */
export const listeningReported = (pass: Pass, { position, state }: Report, at: Date): ListeningReported => ({
  trackId: pass.trackId,
  sessionId: pass.sessionId,
  listenerId: pass.listenerId,
  positionMs: Math.round(position * 1000),
  state,
  reportedAt: at.getTime(),
})
