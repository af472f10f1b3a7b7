import { uuid, z } from '@veza/kit/http'

/** chat does not answer. */
export class ChatUnavailable extends Error {
  override readonly name = 'ChatUnavailable'
}

/** Is this person in this room? Rejects ChatUnavailable. */
export type IsMember = (roomId: string, userId: string) => Promise<boolean>

const access = z.object({
  results: z.tuple([z.object({ roomId: uuid, userId: uuid, role: z.string().nullable() })]),
})

/** Asks chat's internal API. */
export const chatApi =
  ({ baseUrl, token }: { baseUrl: string; token: string }): IsMember =>
  async (roomId, userId) => {
    try {
      const response = await fetch(new URL('/internal/v1/access', baseUrl), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ pairs: [{ roomId, userId }] }),
        signal: AbortSignal.timeout(2_000),
      })
      return access.parse(await response.json()).results[0].role !== null
    } catch (cause) {
      throw new ChatUnavailable('chat does not answer', { cause })
    }
  }
