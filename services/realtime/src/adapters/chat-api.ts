import { type NotificationPublication, type RoomPublication } from '@veza/contracts'
import { z } from 'zod'
import { type Seen } from '../last-seen.ts'
import { type Head, type RoomSource, type StoredEvents } from '../rooms/source.ts'
import { type StoredUserLog, type UserLogSource } from '../user-logs.ts'

export interface Pair {
  readonly roomId: string
  readonly userId: string
}

/** What chat says of a user and a room. */
export interface Access extends Pair {
  readonly exists: boolean
  /** null = not a member. */
  readonly role: string | null
  /** Where the room's stream stands; null when it does not exist. */
  readonly epoch: string | null
  readonly offset: number | null
}

/** Pairs of one `access` call at most: chat refuses more. */
export const maxPairs = 500

/** Chat's internal API. Every call rejects when chat can't be reached or answers anything but what was agreed on. */
export interface ChatApi extends RoomSource, UserLogSource {
  /** Answers in the order of the pairs. */
  access(pairs: readonly Pair[]): Promise<readonly Access[]>
  /**
   * Marks a room as read for a user, up to a message.
   *
   * @returns what is left to read, or chat's code for why it won't
   */
  markRead(roomId: string, userId: string, messageNumber: number): Promise<Unread | { readonly code: string }>
  /** Notes when people were last connected, 500 at most. */
  noteSeen(seen: readonly Seen[]): Promise<void>
  /** When members of a room were last connected, as far as any edge has noted it. At most 100 are asked for. */
  lastSeen(roomId: string, userIds: readonly string[]): Promise<readonly Seen[]>
  /** Whether it ever answered. */
  readonly reached: boolean
}

/** What a member has yet to read of a room. */
export interface Unread {
  readonly readNumber: number
  readonly messages: number
  readonly mentions: number
}

const accessAnswer = z.object({
  results: z.array(
    z.object({
      roomId: z.string(),
      userId: z.string(),
      exists: z.boolean(),
      role: z.string().nullable(),
      epoch: z.string().nullable(),
      offset: z.number().nullable(),
    }),
  ),
})
const headsAnswer = z.object({
  heads: z.array(z.object({ roomId: z.string(), epoch: z.string(), offset: z.number() })),
})
const eventsAnswer = z.object({
  epoch: z.string(),
  offset: z.number(),
  // The data is chat's own and goes to clients as it is.
  events: z.array(
    z.object({ offset: z.number(), data: z.custom<RoomPublication>((data) => typeof data === 'object') }),
  ),
})

const userLogsAnswer = z.object({
  logs: z.array(
    z.object({
      userId: z.string(),
      epoch: z.string(),
      offset: z.number(),
      events: z.array(
        z.object({
          offset: z.number(),
          data: z.custom<NotificationPublication>((data) => typeof data === 'object'),
          roomId: z.string(),
          roomOffset: z.number().nullable(),
        }),
      ),
    }),
  ),
})
const unreadAnswer = z.object({ readNumber: z.number(), messages: z.number(), mentions: z.number() })
const lastSeenAnswer = z.object({ seen: z.array(z.object({ userId: z.string(), at: z.number() })) })
const problemAnswer = z.object({ code: z.string() })

export interface ChatApiOptions {
  /** Of chat's internal listener. */
  readonly url: string
  readonly serviceToken: string
  /** For one call, answer included. */
  readonly timeoutMs: number
}

/** @returns a client; it connects when it is first used */
export const createChatApi = ({ url, serviceToken, timeoutMs }: ChatApiOptions): ChatApi => {
  const base = url.replace(/\/+$/, '')
  const authorization = `Bearer ${serviceToken}`
  let reached = false

  const call = async (path: string, body?: object, method = 'POST'): Promise<Response> => {
    const request: RequestInit = { headers: { authorization }, signal: AbortSignal.timeout(timeoutMs) }
    if (body !== undefined) {
      request.method = method
      request.headers = { authorization, 'content-type': 'application/json' }
      request.body = JSON.stringify(body)
    }
    const response = await fetch(base + path, request)
    if (response.ok) reached = true
    return response
  }

  const refuse = async (response: Response): Promise<never> => {
    await response.body?.cancel()
    throw new Error(`chat answered ${response.status} to ${new URL(response.url).pathname}`)
  }

  const ask = async <T>(path: string, answer: z.ZodType<T>, body: object): Promise<T> => {
    const response = await call(path, body)
    return response.ok ? answer.parse(await response.json()) : refuse(response)
  }

  return {
    async access(pairs): Promise<readonly Access[]> {
      const { results } = await ask('/internal/v1/access', accessAnswer, { pairs })
      if (results.length !== pairs.length) throw new Error('chat answered for other pairs than were asked')
      return results
    },

    async heads(roomIds): Promise<readonly Head[]> {
      return (await ask('/internal/v1/heads', headsAnswer, { roomIds })).heads
    },

    async events(roomId, after, limit): Promise<StoredEvents | undefined> {
      const response = await call(`/internal/v1/rooms/${roomId}/events?after=${after}&limit=${limit}`)
      if (response.ok) return eventsAnswer.parse(await response.json())
      if (response.status !== 404) return refuse(response)
      await response.body?.cancel()
      return undefined
    },

    async userLogs(positions): Promise<readonly StoredUserLog[]> {
      const { logs } = await ask('/internal/v1/user-logs', userLogsAnswer, { positions })
      return logs.map((log) => ({
        ...log,
        events: log.events.map((event) => ({ ...event, data: JSON.stringify(event.data) })),
      }))
    },

    async markRead(roomId, userId, messageNumber) {
      const response = await call(`/internal/v1/rooms/${roomId}/read/${userId}`, { messageNumber }, 'PUT')
      if (response.ok) return unreadAnswer.parse(await response.json())
      return [403, 404].includes(response.status)
        ? problemAnswer.parse(await response.json())
        : refuse(response)
    },

    async noteSeen(seen) {
      const response = await call('/internal/v1/last-seen', { seen }, 'PUT')
      if (!response.ok) return refuse(response)
    },

    async lastSeen(roomId, userIds): Promise<readonly Seen[]> {
      return (await ask(`/internal/v1/rooms/${roomId}/last-seen`, lastSeenAnswer, { userIds })).seen
    },

    get reached() {
      return reached
    },
  }
}
