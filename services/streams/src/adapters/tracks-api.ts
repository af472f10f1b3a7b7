import { uuid, z } from '@veza/kit/http'
import { LRUCache } from 'lru-cache'
import { Rejection } from '../domain/rejection.ts'

/** Who asks for which track. */
export interface Question {
  readonly trackId: string
  readonly userId: string
  readonly moderator: boolean
}

/** A stream that the asker may hear. */
export interface Playable {
  readonly media: string
  readonly durationMs: number
  readonly ownerId?: string | undefined
}

/** tracks does not answer. */
export class TracksUnavailable extends Error {
  override readonly name = 'TracksUnavailable'
}

/** What tracks says of who may hear what. Rejects Rejection (`track-not-found`, `track-not-ready`), TracksUnavailable. */
export type AskPlayable = (question: Question) => Promise<Playable>

const playable = z.object({
  media: z.string().regex(/^media\/[0-9a-f]{64}$/),
  durationMs: z.int().min(0).max(0xffff_ffff),
  ownerId: uuid.optional(),
})

/**
 * Which of these tracks everybody may find, or those of them that this person does, in their order. At most 1,000. Rejects
 * TracksUnavailable.
 */
export type AskListed = (trackIds: readonly string[], userId?: string) => Promise<string[]>

const listed = z.object({ trackIds: z.array(uuid) })

/** Asks tracks' internal API. */
export const listedTracks =
  ({ baseUrl, token }: { baseUrl: string; token: string }): AskListed =>
  async (trackIds, userId) => {
    if (trackIds.length === 0) return []
    try {
      const response = await fetch(new URL('/internal/v1/tracks/listed', baseUrl), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ trackIds, userId }),
        signal: AbortSignal.timeout(2_000),
      })
      const found = new Set(listed.parse(await response.json()).trackIds)
      return trackIds.filter((id) => found.has(id))
    } catch (cause) {
      throw new TracksUnavailable('tracks does not answer', { cause })
    }
  }

/** Asks tracks' internal API. */
export const tracksApi =
  ({ baseUrl, token }: { baseUrl: string; token: string }): AskPlayable =>
  async (question) => {
    let response: Response
    try {
      response = await fetch(new URL('/internal/v1/tracks/playable', baseUrl), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(question),
        signal: AbortSignal.timeout(2_000),
      })
      if (response.ok) return playable.parse(await response.json())
      await response.body?.cancel()
    } catch (cause) {
      throw new TracksUnavailable('tracks does not answer', { cause })
    }
    if (response.status === 404) throw new Rejection('track-not-found')
    if (response.status === 409) throw new Rejection('track-not-ready')
    throw new TracksUnavailable(`tracks answers ${response.status}`)
  }

interface Known {
  readonly answer: Promise<Playable>
  readonly askedAt: number
  /** The last good answer, for a while in which tracks is away. */
  readonly good: { readonly playable: Playable; readonly at: number } | undefined
}

/**
 * Remembers answers for a few seconds: so long a listener goes on who may not hear the track any more. While tracks is
 * away, who was let in is let in further, up to `graceMs`.
 */
export const rememberPlayable = (
  ask: AskPlayable,
  { ttlMs, graceMs, max = 50_000 }: { ttlMs: number; graceMs: number; max?: number },
  now: () => Date,
): AskPlayable => {
  const known = new LRUCache<string, Known>({ max })

  return async (question) => {
    const key = `${question.trackId}${question.userId}${question.moderator ? '+' : ''}`
    const at = now().getTime()
    const before = known.get(key)
    if (before !== undefined && at - before.askedAt < ttlMs) return before.answer
    const good = before?.good
    const answer = ask(question).then(
      (playable) => {
        known.set(key, { answer, askedAt: at, good: { playable, at } })
        return playable
      },
      (error: unknown) => {
        // Whoever was refused has been let in no more, should tracks be away next.
        if (!(error instanceof TracksUnavailable)) known.set(key, { answer, askedAt: at, good: undefined })
        else if (good !== undefined && at - good.at < graceMs) return good.playable
        throw error
      },
    )
    answer.catch(() => undefined)
    known.set(key, { answer, askedAt: at, good })
    return answer
  }
}
