import { type TypingStarted } from '@veza/contracts'
import { LRUCache } from 'lru-cache'
import { type Publish } from './protocol/replies.ts'
import { type Room, type Subscriber } from './rooms/room.ts'
import { type Rooms } from './rooms/rooms.ts'

/** Who is writing in a room. Nobody waits for it, and nothing is lost with it. */
export interface Typing {
  /** Tells all edges that a member writes, unless they have been told a moment ago. */
  start(roomId: string, userId: string): void
  /** Tells those who follow the room here, but for the slow ones. */
  onStart(started: TypingStarted): void
}

export interface TypingOptions {
  readonly rooms: Pick<Rooms, 'get'>
  readonly publish: Publish
  /** Tells all edges. */
  readonly signal: (signal: { readonly type: 'TypingStarted'; readonly value: TypingStarted }) => void
  /** Connections of a room beyond which nobody is told who writes. */
  readonly maxAudience: number
  readonly now: () => number
}

// What is told later than this is no news.
const staleMs = 5000
// Clients repeat it for as long as somebody writes: every few seconds is enough.
const repeatMs = 1000
const maxRemembered = 10_000

/** Publishes past the subscribers that leave much unread, so that what is stored has room. */
const publishSparing = (publish: Publish, room: Room, ...parameters: Parameters<Publish>): void => {
  let slow: Subscriber[] | undefined
  for (const subscriber of room.subscribers) {
    if (!subscriber.isSlow()) continue
    subscriber.pause(room.channel)
    slow ??= []
    slow.push(subscriber)
  }
  publish(...parameters)
  for (const subscriber of slow ?? []) subscriber.listen(room.channel)
}

/** @returns nobody writes */
export const createTyping = ({ rooms, publish, signal, maxAudience, now }: TypingOptions): Typing => {
  const told = new LRUCache<string, number>({ max: maxRemembered })
  return {
    start(roomId, userId) {
      const key = roomId + userId
      if (now() - (told.get(key) ?? -Infinity) < repeatMs) return
      told.set(key, now())
      signal({ type: 'TypingStarted', value: { roomId, userId, sentAt: now() } })
    },

    onStart({ roomId, userId, sentAt }) {
      const room = rooms.get(roomId)
      if (room === undefined || room.subscribers.size > maxAudience || now() - sentAt > staleMs) return
      const data = JSON.stringify({ type: 'typing', userId })
      publishSparing(publish, room, room.channel, [
        { type: 'published', channel: room.channel, publication: { offset: 0, data } },
      ])
    },
  }
}
