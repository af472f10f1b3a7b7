import { LRUCache } from 'lru-cache'
import { type Disconnect } from './protocol/codes.ts'

/** A user's connection. */
export interface Connection {
  /** Of its token. */
  readonly sessionId: string
  close(disconnect: Disconnect): void
  /** Ends its subscription to a channel, if it has one, for good. */
  expel(channel: string): void
}

/** Who is connected here. */
export interface Users {
  /** Adds a connection, unless the user has `max` already. */
  add(userId: string, connection: Connection, max: number): boolean
  remove(userId: string, connection: Connection): void
  has(userId: string): boolean
  /** The users who are connected. */
  all(): Iterable<string>
  /** Closes the user's connections, or those of one session. */
  disconnect(userId: string, sessionId: string | undefined, disconnect: Disconnect): void
  /** Closes a session's connections, and lets no new one in. */
  revoke(userId: string, sessionId: string, disconnect: Disconnect): void
  isRevoked(sessionId: string): boolean
  /** Ends the user's subscriptions to a channel. */
  expel(userId: string, channel: string): void
}

// An access token outlives its session by 10 minutes at most.
const rememberedMs = 15 * 60_000
const maxRemembered = 100_000

/**
 * @param onGone told of a user whose last connection ended
 * @returns nobody
 */
export const createUsers = (onGone: (userId: string) => void): Users => {
  // Most have one connection: an array is the smallest list of them.
  const connections = new Map<string, readonly Connection[]>()
  const revoked = new LRUCache<string, true>({ max: maxRemembered, ttl: rememberedMs })

  const disconnect: Users['disconnect'] = (userId, sessionId, how) => {
    for (const connection of connections.get(userId) ?? [])
      if (sessionId === undefined || connection.sessionId === sessionId) connection.close(how)
  }

  return {
    add(userId, connection, max) {
      const present = connections.get(userId)
      if ((present?.length ?? 0) >= max) return false
      // A spread has room for sixteen more.
      connections.set(userId, present === undefined ? [connection] : [...present, connection])
      return true
    },
    remove(userId, connection) {
      const rest = (connections.get(userId) ?? []).filter((other) => other !== connection)
      if (rest.length > 0) connections.set(userId, rest)
      else if (connections.delete(userId)) onGone(userId)
    },
    has: (userId) => connections.has(userId),
    all: () => connections.keys(),
    disconnect,
    revoke(userId, sessionId, how) {
      revoked.set(sessionId, true)
      disconnect(userId, sessionId, how)
    },
    isRevoked: (sessionId) => revoked.has(sessionId),
    expel(userId, channel) {
      for (const connection of connections.get(userId) ?? []) connection.expel(channel)
    },
  }
}
