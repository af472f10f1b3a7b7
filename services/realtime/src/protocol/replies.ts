import { type Position } from './commands.ts'
import { type Disconnect, type ProtocolError } from './codes.ts'

/** Everything that the edge says is text: a JSON object a line, several lines a frame. */

/** A server's ping; the client answers with the same. */
export const ping = '{}'

export const errorReply = (id: number, error: ProtocolError): string => JSON.stringify({ id, error })

export const publishReply = (id: number): string => `{"id":${id},"publish":{}}`

export const unsubscribeReply = (id: number): string => `{"id":${id},"unsubscribe":{}}`

/** How long a token is still good for, in whole seconds, never 0: SDKs would refresh at once and for ever. */
export const ttl = (expiresAt: number, nowMs: number): number =>
  Math.max(1, Math.floor(expiresAt - nowMs / 1000))

export interface ConnectResult {
  readonly client: string
  readonly version: string
  /** Server-side subscriptions by channel. */
  readonly subs: Readonly<Record<string, object>>
  readonly ttl: number
  /** Seconds between pings. */
  readonly ping: number
}

export const connectReply = (id: number, result: ConnectResult): string =>
  JSON.stringify({ id, connect: { ...result, expires: true, pong: true } })

export const refreshReply = (id: number, client: string, ttl: number): string =>
  JSON.stringify({ id, refresh: { client, expires: true, ttl } })

/** A publication as recovery, history and pushes carry it. `data` is JSON already or is made so, once for all readers. */
export const encodePublication = (offset: number, data: object): string =>
  `{"offset":${offset},"data":${JSON.stringify(data)}}`

export interface SubscribeResult {
  /** Where the stream stands; after a recovery, where the client stood before what it is sent now. */
  readonly position: Position
  readonly wasRecovering: boolean
  readonly recovered: boolean
  /** Encoded publications, ascending. */
  readonly publications: readonly string[]
}

export const subscribeReply = (id: number, result: SubscribeResult): string => {
  const { position, wasRecovering, recovered, publications } = result
  const attempt = wasRecovering ? ',"was_recovering":true' : ''
  const success = recovered ? ',"recovered":true' : ''
  const missed = publications.length === 0 ? '' : `,"publications":[${publications.join(',')}]`
  return (
    `{"id":${id},"subscribe":{"recoverable":true,"positioned":true,"epoch":${JSON.stringify(position.epoch)},` +
    `"offset":${position.offset}${attempt}${success}${missed}}}`
  )
}

export const historyReply = (id: number, position: Position, publications: readonly string[]): string =>
  `{"id":${id},"history":{"epoch":${JSON.stringify(position.epoch)},"offset":${position.offset},` +
  `"publications":[${publications.join(',')}]}}`

/** @param publication as encodePublication makes it */
export const publicationPush = (channel: string, publication: string): string =>
  `{"push":{"channel":"${channel}","pub":${publication}}}`

/** A publication in a channel without positions. */
export const messagePush = (channel: string, data: object): string =>
  JSON.stringify({ push: { channel, pub: { data } } })

export const unsubscribePush = (channel: string, advice: Disconnect): string =>
  JSON.stringify({ push: { channel, unsubscribe: advice } })
