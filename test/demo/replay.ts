import { createRoom, inParallel, join, register } from '../support/api.ts'
import { connectSdk, type Listener, type SdkClient } from '../support/sdk.ts'
import { type Speaker } from './declaration.ts'

/** A message as one listener saw it. */
export interface Heard {
  readonly offset: number
  readonly speaker: string
  readonly body: string
  /** From the call of publish to the handler of the publication. */
  readonly latencyMs: number
}

/** What was heard in a room, by the name of who heard it, each in the order of arrival. */
export interface RoomReplay {
  readonly room: string
  readonly heard: ReadonlyMap<string, readonly Heard[]>
}

/** Resolves when every listener has seen `count` messages. */
const allHeard = (listeners: readonly Listener[], count: number, withinMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const done = () => listeners.every(({ seen }) => seen.length >= count)
    const finish = (end: () => void) => () => {
      clearTimeout(timer)
      for (const { subscription } of listeners) subscription.off('publication', look)
      end()
    }
    const look = () => {
      if (done()) finish(resolve)()
    }
    const timer = setTimeout(
      finish(() => {
        const counts = listeners.map(({ seen }) => seen.length).join(', ')
        reject(new Error(`not everybody heard ${count} messages within ${withinMs / 1000} s, but ${counts}`))
      }),
      withinMs,
    )
    for (const { subscription } of listeners) subscription.on('publication', look)
    look()
  })

/**
 * Has speakers read articles to each other: each is an account and an unmodified SDK client, in every room. An article
 * is read by all at once, the next one when everybody has heard all of them.
 *
 * @param parts article numbers, from 1, by room
 */
export const replay = async (
  at: { readonly http: string; readonly ws: string },
  speakers: readonly Speaker[],
  parts: ReadonlyMap<string, readonly number[]>,
): Promise<RoomReplay[]> => {
  const people = await inParallel(2, speakers, ({ name }) => register(at.http, name))
  const nameOf = new Map(people.map(({ id, name }) => [id, name]))
  const clients: SdkClient[] = []
  try {
    for (const { token } of people) clients.push(await connectSdk(at.ws, token))

    const readIn = async (room: string, numbers: readonly number[]): Promise<RoomReplay> => {
      const [host, ...guests] = people
      if (host === undefined) throw new Error('nobody speaks')
      const roomId = await createRoom(at.http, host, room)
      for (const guest of guests) await join(at.http, guest, roomId)
      const listeners = await Promise.all(clients.map((client) => client.listen(roomId)))
      const sentAt = new Map<string, number>()
      for (const [index, number] of numbers.entries()) {
        await Promise.all(
          listeners.map(async (listener, speaker) => {
            const clientMessageId = `${speakers[speaker]?.language ?? ''}/${number}`
            sentAt.set(clientMessageId, Date.now())
            await listener.post(clientMessageId, speakers[speaker]?.articles[number - 1] ?? '')
          }),
        )
        await allHeard(listeners, (index + 1) * speakers.length, 60_000)
      }
      const heard = listeners.map(({ seen }, listener) => {
        const list = seen.map(({ offset, senderId, body, clientMessageId, at: seenAt }) => ({
          offset,
          speaker: nameOf.get(senderId) ?? senderId,
          body,
          latencyMs: seenAt - (sentAt.get(clientMessageId) ?? seenAt),
        }))
        return [speakers[listener]?.name ?? '', list] as const
      })
      return { room, heard: new Map(heard) }
    }
    return await Promise.all([...parts].map(([room, numbers]) => readIn(room, numbers)))
  } finally {
    for (const client of clients) client.close()
  }
}
