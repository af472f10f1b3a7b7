import { z } from '@veza/kit/http'

/** What somebody called themselves when they signed up. undefined: they are erased. Rejects when auth cannot say. */
export type AskName = (userId: string) => Promise<string | undefined>

const named = z.object({ displayName: z.string() })

/** Asks auth's internal API, which alone can open what the event has sealed. */
export const nameInAuth =
  ({ url, token, timeoutMs = 5_000 }: { url: string; token: string; timeoutMs?: number }): AskName =>
  async (userId) => {
    const response = await fetch(new URL(`/internal/v1/auth/accounts/${userId}/name`, url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.ok) return named.parse(await response.json()).displayName
    await response.body?.cancel()
    if (response.status === 404) return undefined
    throw new Error(`auth answered ${response.status}`)
  }
