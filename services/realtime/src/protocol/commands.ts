/** A position in a channel's stream. An empty epoch stands for any epoch. */
export interface Position {
  readonly epoch: string
  readonly offset: number
}

export interface ConnectCommand {
  readonly type: 'connect'
  readonly id: number
  readonly token: string
  /** Where the client stood in what the server subscribes it to, by channel, when it wants what it missed. */
  readonly since: ReadonlyMap<string, Position>
}

export interface SubscribeCommand {
  readonly type: 'subscribe'
  readonly id: number
  readonly channel: string
  /** Where the client stood, when it wants what it missed. */
  readonly since: Position | undefined
  /** It wants error 112 rather than a subscription that could not recover. */
  readonly rejectUnrecovered: boolean
  /** It wants to be told who comes and goes. */
  readonly joinLeave: boolean
}

export interface PublishCommand {
  readonly type: 'publish'
  readonly id: number
  readonly channel: string
  readonly data: unknown
}

export interface HistoryCommand {
  readonly type: 'history'
  readonly id: number
  readonly channel: string
  readonly since: Position | undefined
  /** 0 = only the position, negative = as many as there may be. */
  readonly limit: number
  readonly reverse: boolean
}

export interface RpcCommand {
  readonly type: 'rpc'
  readonly id: number
  readonly method: string
  readonly data: unknown
}

/** A question about a channel. */
export interface ChannelCommand {
  readonly type: 'presence' | 'presence_stats' | 'sub_refresh'
  readonly id: number
  readonly channel: string
}

/** What a client says. Those without an id are not answered. */
export type Command =
  | { readonly type: 'pong' }
  | { readonly type: 'send' }
  | ConnectCommand
  | { readonly type: 'refresh'; readonly id: number; readonly token: string }
  | { readonly type: 'unsubscribe'; readonly id: number; readonly channel: string }
  | SubscribeCommand
  | PublishCommand
  | HistoryCommand
  | ChannelCommand
  | RpcCommand

type Fields = Readonly<Record<string, unknown>>

class Malformed extends Error {}

// Go's decoder, against which the protocol is defined, takes null for an absent field.
const object = (value: unknown): Fields | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw new Malformed()
  return value as Fields
}

const text = (fields: Fields, name: string): string => {
  const value = fields[name] ?? ''
  if (typeof value !== 'string') throw new Malformed()
  return value
}

const integer = (fields: Fields, name: string, min: number): number => {
  const value = fields[name] ?? 0
  if (!Number.isSafeInteger(value) || (value as number) < min) throw new Malformed()
  return value as number
}

const flag = (fields: Fields, name: string): boolean => {
  const value = fields[name] ?? false
  if (typeof value !== 'boolean') throw new Malformed()
  return value
}

const position = (fields: Fields): Position => ({
  epoch: text(fields, 'epoch'),
  offset: integer(fields, 'offset', 0),
})

// `1 << 1` of SubscribeRequest.flag: the client loads its state anew rather than go on with a gap.
const rejectUnrecoveredFlag = 2

const connect = (id: number, fields: Fields): ConnectCommand => {
  const since = new Map<string, Position>()
  for (const [channel, value] of Object.entries(object(fields['subs']) ?? {})) {
    const subscription = object(value)
    if (subscription !== undefined && flag(subscription, 'recover'))
      since.set(channel, position(subscription))
  }
  return { type: 'connect', id, token: text(fields, 'token'), since }
}

const subscribe = (id: number, fields: Fields): SubscribeCommand => ({
  type: 'subscribe',
  id,
  channel: text(fields, 'channel'),
  since: flag(fields, 'recover') ? position(fields) : undefined,
  rejectUnrecovered: (integer(fields, 'flag', 0) & rejectUnrecoveredFlag) !== 0,
  joinLeave: flag(fields, 'join_leave'),
})

const history = (id: number, fields: Fields): HistoryCommand => {
  const since = object(fields['since'])
  return {
    type: 'history',
    id,
    channel: text(fields, 'channel'),
    since: since === undefined ? undefined : position(since),
    limit: integer(fields, 'limit', Number.MIN_SAFE_INTEGER),
    reverse: flag(fields, 'reverse'),
  }
}

const readers: readonly (readonly [string, (id: number, fields: Fields) => Command])[] = Object.entries({
  publish: (id, fields) => ({ type: 'publish', id, channel: text(fields, 'channel'), data: fields['data'] }),
  subscribe,
  unsubscribe: (id, fields) => ({ type: 'unsubscribe', id, channel: text(fields, 'channel') }),
  connect,
  refresh: (id, fields) => ({ type: 'refresh', id, token: text(fields, 'token') }),
  history,
  presence: (id, fields) => ({ type: 'presence', id, channel: text(fields, 'channel') }),
  presence_stats: (id, fields) => ({ type: 'presence_stats', id, channel: text(fields, 'channel') }),
  sub_refresh: (id, fields) => ({ type: 'sub_refresh', id, channel: text(fields, 'channel') }),
  rpc: (id, fields) => ({ type: 'rpc', id, method: text(fields, 'method'), data: fields['data'] }),
} satisfies Record<string, (id: number, fields: Fields) => Command>)

const maxId = 0xffff_ffff

/**
 * Reads a command out of its fields, which have the protocol's names in either encoding. Its size is bounded by the
 * frame's; its depth costs nothing, since V8 parses JSON without recursion and nothing here walks the result.
 *
 * @throws Error when it is no command: the connection is to be closed with 3501
 */
export const readCommand = (message: unknown): Command => {
  const fields = object(message)
  if (fields === undefined) throw new Malformed()
  const id = integer(fields, 'id', 0)
  if (id > maxId) throw new Malformed()
  if (id === 0) return object(fields['send']) === undefined ? { type: 'pong' } : { type: 'send' }
  for (const [name, reader] of readers) {
    const body = object(fields[name])
    if (body !== undefined) return reader(id, body)
  }
  if (object(fields['send']) !== undefined) return { type: 'send' }
  throw new Malformed()
}
