/** What realtime asks of tracks. */
export interface TracksApi {
  /** Whether the user may hear the track. Rejects when tracks does not answer. */
  mayHear(trackId: string, userId: string): Promise<boolean>
}

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
  async mayHear(trackId, userId) {
    const response = await fetch(new URL('/internal/v1/tracks/playable', url), {
      method: 'POST',
      headers: { authorization: `Bearer ${serviceToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ trackId, userId, moderator: false }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    await response.body?.cancel()
    if (response.ok) return true
    // No such track, or not for them; or nothing is to be heard of it yet.
    if (response.status === 404 || response.status === 409) return false
    throw new Error(`tracks answered ${response.status}`)
  },
})
