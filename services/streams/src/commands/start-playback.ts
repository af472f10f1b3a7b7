import { uuidv7 } from '@veza/kit/ids'
import { type Passes } from '../adapters/passes.ts'
import { type AskPlayable } from '../adapters/tracks-api.ts'

/** A playback that has begun. */
export interface Playback {
  /** The signed pass: part of the stream's paths, and the session's name in reports. */
  readonly pass: string
  readonly expiresAt: Date
}

/** Lets somebody hear a track, for at least as long as it takes. Throws Rejection. */
export const startPlayback =
  (deps: { ask: AskPlayable; passes: Passes; sessionMs: number; now: () => Date }) =>
  async (
    trackId: string,
    { userId, moderator }: { userId: string; moderator: boolean },
  ): Promise<Playback> => {
    const { media, durationMs, ownerId } = await deps.ask({ trackId, userId, moderator })
    const at = deps.now()
    const expiresAt = Math.floor((at.getTime() + deps.sessionMs + durationMs) / 1000)
    const pass = deps.passes.write({
      ...{ sessionId: uuidv7(at), trackId, listenerId: userId, moderator, media, expiresAt },
      ...{ durationMs, ownerId },
    })
    return { pass, expiresAt: new Date(expiresAt * 1000) }
  }
