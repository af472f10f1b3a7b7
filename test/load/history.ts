import { setTimeout as delay } from 'node:timers/promises'
import { request } from '../support/api.ts'

/** A message of a page, as far as a load client looks at it. */
export interface PastMessage {
  readonly offset: number
  readonly clientMessageId: string
}

/** Reads the messages behind `after` up to `upTo`, ascending. Once `isWanted` is false nobody waits for them. */
export type ReadPast = (
  range: { readonly after: number; readonly upTo: number },
  isWanted: () => boolean,
) => Promise<readonly PastMessage[]>

interface Page {
  readonly messages: readonly PastMessage[]
  readonly next: string | null
}

const pageSize = 100
const retryMs = 500

/**
 * Reads a room's messages behind the offset `after`, up to `upTo`, over HTTP: pages from the newest back, as docs/chat.md
 * tells those who write clients. What does not answer, or says to come back later, is asked again.
 *
 * @param isWanted asked before each request; once false, what is read so far is of no use to anybody
 * @returns ascending
 * @throws Error when the answer is final, and no page
 */
export const readPast = async (
  from: { readonly http: string; readonly token: string; readonly roomId: string },
  { after, upTo }: { readonly after: number; readonly upTo: number },
  isWanted: () => boolean,
): Promise<PastMessage[]> => {
  const newestFirst: PastMessage[] = []
  let before = ''
  while (isWanted()) {
    const path = `/v1/rooms/${from.roomId}/messages?limit=${pageSize}${before}`
    const answer = await request(from.http, 'GET', path, { token: from.token }).catch(() => undefined)
    if (answer === undefined || answer.status >= 500) {
      await delay(retryMs)
      continue
    }
    if (answer.status !== 200)
      throw new Error(`history answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    const { messages, next } = answer.body as Page
    newestFirst.push(...messages.filter(({ offset }) => offset > after && offset <= upTo))
    if (next === null || messages.some(({ offset }) => offset <= after)) break
    before = `&before=${encodeURIComponent(next)}`
  }
  return newestFirst.reverse()
}
