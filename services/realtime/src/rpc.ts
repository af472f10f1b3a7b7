import { channels, parseChannel } from '@veza/contracts'
import { type Client, Refused } from './client.ts'
import { errors } from './protocol/codes.ts'
import { type RpcCommand } from './protocol/commands.ts'
import { type SessionContext } from './session-context.ts'
import { type Subscriptions } from './subscriptions.ts'

interface Call {
  readonly context: SessionContext
  readonly client: Client
  readonly subscriptions: Subscriptions
  readonly data: Readonly<Record<string, unknown>>
}

const maxAsked = 100

const readUserIds = (value: unknown): readonly string[] => {
  const isList = Array.isArray(value) && value.length <= maxAsked
  if (!isList || !value.every((id) => typeof id === 'string')) throw new Refused(errors.badRequest)
  return value
}

const isUserId = (id: string): boolean => parseChannel(channels.user(id)) !== undefined

const readNumber = (value: unknown): number => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Refused(errors.badRequest)
  return value as number
}

const roomOf = (value: unknown): string => {
  const target = typeof value === 'string' ? parseChannel(value) : undefined
  if (target?.kind !== 'room') throw new Refused(errors.unknownChannel)
  return target.id
}

type Method = (call: Call) => object | Promise<object>

/** What can be called, by its name. Each is given `data` (an object) and returns what is answered as `data`. */
const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  /**
   * `{channel, messageNumber}` → `{readNumber, messages, mentions}`: marks a room as read up to a message, as
   * `PUT /v1/rooms/:room/read` does, and answers what is left to read.
   */
  [
    'mark-read',
    async ({ context, client, data }) => {
      const roomId = roomOf(data['channel'])
      const left = await context.markRead(roomId, client.userId, readNumber(data['messageNumber']))
      if (!('code' in left)) return left
      throw new Refused(left.code === 'not-a-member' ? errors.permissionDenied : errors.unknownChannel)
    },
  ],
  /** `{}` → `{now}`: the server's clock, epoch milliseconds. */
  ['time', ({ context }) => ({ now: context.now() })],
  /**
   * `{channel, userIds}` → `{lastSeen: {<userId>: <epoch ms>}}`: when members of a room that the connection follows were
   * last connected; now for those who are there.
   */
  [
    'last-seen',
    async ({ context, subscriptions, data }) => {
      const { channel } = data
      const target = typeof channel === 'string' ? parseChannel(channel) : undefined
      if (typeof channel !== 'string' || target === undefined) throw new Refused(errors.unknownChannel)
      if (!subscriptions.has(channel)) throw new Refused(errors.permissionDenied)
      const userIds = readUserIds(data['userIds'])
      const stored = await context.storedLastSeen(target.id, userIds.filter(isUserId))
      const lastSeen = context.presence.lastSeen(target.id, userIds)
      for (const { userId, at } of stored) lastSeen[userId] = Math.max(at, lastSeen[userId] ?? 0)
      return { lastSeen }
    },
  ],
])

const readData = (data: unknown): Call['data'] => {
  if (data === undefined || data === null) return {}
  if (typeof data !== 'object' || Array.isArray(data)) throw new Refused(errors.badRequest)
  return data as Call['data']
}

/** Answers what is no publication: at once, unless chat has to be asked. */
export const call = (
  context: SessionContext,
  client: Client,
  subscriptions: Subscriptions,
  command: RpcCommand,
): void => {
  const send = (answer: object): void => {
    if (!client.isClosed()) client.send({ type: 'rpc', id: command.id, data: JSON.stringify(answer) })
  }
  const fail = (error: unknown): void => {
    client.fail(command.id, error)
  }
  try {
    const method = methods.get(command.method)
    if (method === undefined) throw new Refused(errors.methodNotFound)
    const answer = method({ context, client, subscriptions, data: readData(command.data) })
    if (answer instanceof Promise) answer.then(send, fail)
    else send(answer)
  } catch (error) {
    fail(error)
  }
}
