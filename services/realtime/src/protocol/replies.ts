import { type Disconnect, type ProtocolError } from './codes.ts'
import { type Position } from './commands.ts'

/** JSON text. What clients are sent of others' making is encoded once, for all readers and both encodings. */
export type Json = string

/** What was published in a channel. */
export interface Publication {
  /** Its place in the channel's stream; 0 = it has none, and is not recovered. */
  readonly offset: number
  readonly data: Json
}

/** A connection, as others in its channels see it. */
export interface ClientInfo {
  readonly user: string
  readonly client: string
}

export interface ConnectResult {
  readonly client: string
  readonly version: string
  /** Server-side subscriptions by channel. */
  readonly subs: Readonly<Record<string, SubscribeResult>>
  readonly expires: true
  /** Seconds that the token is still good for. */
  readonly ttl: number
  /** Seconds between pings. */
  readonly ping: number
  /** Pings are to be answered. */
  readonly pong: true
}

export interface SubscribeResult {
  /** Where the stream stands; after a recovery, where the client stood before what it is sent now. */
  readonly position: Position
  readonly wasRecovering: boolean
  readonly recovered: boolean
  /** Ascending. */
  readonly publications: readonly Publication[]
}

/** Everything that the edge says: answers to commands, which have the command's id, and pushes, which have a channel. */
export type Reply =
  | { readonly type: 'ping' }
  | { readonly type: 'error'; readonly id: number; readonly error: ProtocolError }
  | { readonly type: 'publish' | 'unsubscribe'; readonly id: number }
  | { readonly type: 'connect'; readonly id: number; readonly result: ConnectResult }
  | {
      readonly type: 'refresh'
      readonly id: number
      readonly result: { readonly client: string; readonly expires: true; readonly ttl: number }
    }
  | { readonly type: 'sub_refresh'; readonly id: number; readonly result: { readonly expires: false } }
  | { readonly type: 'subscribe'; readonly id: number; readonly result: SubscribeResult }
  | {
      readonly type: 'history'
      readonly id: number
      readonly position: Position
      readonly publications: readonly Publication[]
    }
  | {
      readonly type: 'presence'
      readonly id: number
      /** By connection. */
      readonly result: { readonly presence: Readonly<Record<string, ClientInfo>> }
    }
  | {
      readonly type: 'presence_stats'
      readonly id: number
      readonly result: { readonly num_clients: number; readonly num_users: number }
    }
  | { readonly type: 'rpc'; readonly id: number; readonly data: Json }
  | { readonly type: 'published'; readonly channel: string; readonly publication: Publication }
  | { readonly type: 'joined' | 'left'; readonly channel: string; readonly info: ClientInfo }
  | { readonly type: 'unsubscribed'; readonly channel: string; readonly advice: Disconnect }

/** Sends pushes, in one frame, to all connections that follow a channel. */
export type Publish = (channel: string, pushes: readonly Reply[]) => void

/** How long a token is still good for, in whole seconds, never 0: SDKs would refresh at once and for ever. */
export const ttl = (expiresAt: number, nowMs: number): number =>
  Math.max(1, Math.floor(expiresAt - nowMs / 1000))
