import { z } from 'zod'

/** Somebody, and a track that they follow or would follow. */
export interface Hearing {
  readonly trackId: string
  readonly userId: string
}

/** Pairs of one call at most: tracks refuses more, and bodies of more than 64 KiB. */
export const maxHearings = 500

/** What realtime asks of tracks. */
export interface TracksApi {
  /** Which of these people may hear which track, in the order of the pairs. Rejects when tracks does not say. */
  mayHear(pairs: readonly Hearing[]): Promise<readonly boolean[]>
}

const hearableAnswer = z.object({ hearable: z.array(z.boolean()) })

/** Asks tracks' internal API. */
export const createTracksApi = ({
  url,
  serviceToken,
  timeoutMs,
}: {
  readonly url: string
  readonly serviceToken: string
  readonly timeoutMs: number
}): TracksApi => ({
  async mayHear(pairs) {
    const response = await fetch(new URL('/internal/v1/tracks/hearable', url), {
      method: 'POST',
      headers: { authorization: `Bearer ${serviceToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ pairs }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!response.ok) {
      await response.body?.cancel()
      throw new Error(`tracks answered ${response.status}`)
    }
    const { hearable } = hearableAnswer.parse(await response.json())
    if (hearable.length !== pairs.length) throw new Error('tracks left a pair out')
    return hearable
  },
})
