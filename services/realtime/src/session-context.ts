import { type TokenVerifier } from '@veza/kit/tokens'
import { type ChatApi } from './adapters/chat-api.ts'
import { type Membership } from './adapters/membership.ts'
import { type Listeners } from './listeners.ts'
import { type Post } from './adapters/posts.ts'
import { type TracksApi } from './adapters/tracks-api.ts'
import { type Filler } from './rooms/fill.ts'
import { type Rooms } from './rooms/rooms.ts'
import { type RoomSource } from './rooms/source.ts'
import { type Presence } from './presence/presence.ts'
import { type Rate } from '@veza/kit/limits'
import { type Typing } from './typing.ts'
import { type UserLogs } from './user-logs.ts'
import { type Users } from './users.ts'

/** A connection's way to its client. Nothing may be sent after `end`. */
export interface Socket {
  /** A frame of the connection's encoding. */
  send(frame: string | Uint8Array): void
  /** From now on it is sent what is published to the channel; what was published before in this tick is not. */
  subscribe(channel: string): void
  unsubscribe(channel: string): void
  /** Whether the client leaves more than half of what it may unread. */
  isSlow(): boolean
  end(code: number, reason: string): void
}

export interface SessionSettings {
  /** From opening to an accepted connect command. */
  readonly connectDeadlineMs: number
  readonly pingIntervalMs: number
  /** From a ping to its pong. */
  readonly pongTimeoutMs: number
  /** How long a connection outlives its token. */
  readonly expiryGraceMs: number
  /** Commands of a connection. Refused beyond it; as many refusals again, and it is closed. */
  readonly commandRate: Rate
  readonly maxSubscriptions: number
  readonly maxConnectionsPerUser: number
  /** Publications that a recovery or a page of history holds at most. */
  readonly recoveryLimit: number
}

/** What all sessions of an edge share. */
export interface SessionContext {
  readonly settings: SessionSettings
  readonly tokens: TokenVerifier
  readonly membership: Membership
  readonly rooms: Rooms
  readonly filler: Filler
  readonly source: RoomSource
  readonly users: Users
  readonly userLogs: UserLogs
  readonly presence: Presence
  readonly typing: Typing
  readonly listeners: Listeners
  readonly mayHear: TracksApi['mayHear']
  readonly post: (post: Post) => Promise<void>
  readonly markRead: ChatApi['markRead']
  readonly storedLastSeen: ChatApi['lastSeen']
  /** Told of every failure that is not the client's. */
  readonly report: (error: unknown) => void
  readonly now: () => number
}
