import {
  type MessagePosted,
  notificationPublication,
  type RoomPublication,
  roomPublication,
  type UserNotified,
} from '@veza/contracts'
import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'

/** A room of the stub: what is stored, whether or not Kafka was told. */
export interface StoredRoom {
  epoch: string
  readonly members: Set<string>
  readonly events: MessagePosted[]
}

/** What a user was told, whether or not Kafka was told. */
export interface StoredLog {
  epoch: string
  readonly events: UserNotified[]
}

/** Chat's internal API over HTTP, as its contract has it, with rooms in memory. */
export interface ChatStub {
  readonly url: string
  readonly serviceToken: string
  readonly rooms: Map<string, StoredRoom>
  /** By user. */
  readonly logs: Map<string, StoredLog>
  /** When users were last connected, epoch milliseconds. */
  readonly lastSeen: Map<string, number>
  /** Paths of the requests, in order. */
  readonly requests: string[]
  /** Answer everything with 503. */
  failing: boolean
  /** Called before each answer. */
  before: (path: string) => void | Promise<void>
  /** Called when an answer is made, before it is sent. */
  after: (path: string) => void | Promise<void>
  addRoom(members: readonly string[], epoch?: string): string
  /** Stores a message with the room's next offset. */
  store(roomId: string, senderId: string, clientMessageId: string, body?: string): MessagePosted
  /** Stores something that a user is told, with their log's next offset. */
  tell(userId: string, about?: Partial<UserNotified>): UserNotified
  close(): Promise<void>
}

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown
}

export const startChatStub = async (): Promise<ChatStub> => {
  const serviceToken = randomUUID()
  const rooms = new Map<string, StoredRoom>()
  const logs = new Map<string, StoredLog>()

  const lastSeen = new Map<string, number>()
  const noteSeen = (body: unknown): void => {
    for (const { userId, at } of (body as { seen: { userId: string; at: number }[] }).seen)
      lastSeen.set(userId, Math.max(at, lastSeen.get(userId) ?? 0))
  }
  const seenIn = (roomId: string, body: unknown): object => ({
    seen: (body as { userIds: string[] }).userIds.flatMap((userId) => {
      const at = rooms.get(roomId)?.members.has(userId) === true ? lastSeen.get(userId) : undefined
      return at === undefined ? [] : [{ userId, at }]
    }),
  })

  const access = (body: unknown): object => ({
    results: (body as { pairs: { roomId: string; userId: string }[] }).pairs.map(({ roomId, userId }) => {
      const room = rooms.get(roomId)
      return {
        roomId,
        userId,
        exists: room !== undefined,
        role: room?.members.has(userId) === true ? 'member' : null,
        epoch: room?.epoch ?? null,
        offset: room === undefined ? null : room.events.length,
      }
    }),
  })

  const heads = (body: unknown): object => ({
    heads: (body as { roomIds: string[] }).roomIds.flatMap((roomId) => {
      const room = rooms.get(roomId)
      return room === undefined ? [] : [{ roomId, epoch: room.epoch, offset: room.events.length }]
    }),
  })

  const events = (url: URL): object | undefined => {
    const room = rooms.get(url.pathname.split('/')[4] ?? '')
    if (room === undefined) return undefined
    const after = Number(url.searchParams.get('after'))
    const page = room.events.slice(after, after + Number(url.searchParams.get('limit')))
    return {
      epoch: room.epoch,
      offset: room.events.length,
      events: page.map((event): { offset: number; data: RoomPublication } => ({
        offset: event.offset,
        data: roomPublication({ type: 'MessagePosted', value: event }),
      })),
    }
  }

  const logOf = (userId: string): StoredLog => {
    const known = logs.get(userId) ?? { epoch: `e-${userId.slice(0, 8)}`, events: [] }
    logs.set(userId, known)
    return known
  }

  const userLogs = (body: unknown): object => ({
    logs: (body as { positions: { userId: string; after: number | null }[] }).positions.map(
      ({ userId, after }) => {
        const { epoch, events } = logOf(userId)
        const missed = after === null ? [] : events.slice(after)
        return {
          ...{ userId, epoch, offset: events.length },
          events: (missed.length > 500 ? [] : missed).map((event) => ({
            offset: event.offset,
            data: notificationPublication(event),
            roomId: event.roomId,
            roomOffset: event.roomOffset,
          })),
        }
      },
    ),
  })

  const answer = async (request: IncomingMessage, url: URL): Promise<[number, object]> => {
    await stub.before(url.pathname)
    if (stub.failing) return [503, { code: 'unavailable' }]
    if (request.headers.authorization !== `Bearer ${serviceToken}`) return [401, { code: 'unauthorized' }]
    if (url.pathname === '/internal/v1/access') return [200, access(await readBody(request))]
    if (url.pathname === '/internal/v1/user-logs') return [200, userLogs(await readBody(request))]
    if (url.pathname === '/internal/v1/last-seen') {
      noteSeen(await readBody(request))
      return [200, {}]
    }
    if (url.pathname.endsWith('/last-seen'))
      return [200, seenIn(url.pathname.split('/')[4] ?? '', await readBody(request))]
    if (url.pathname === '/internal/v1/heads') return [200, heads(await readBody(request))]
    const found = events(url)
    return found === undefined ? [404, { code: 'not-found' }] : [200, found]
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://stub')
    stub.requests.push(url.pathname)
    const [status, body] = await answer(request, url)
    await stub.after(url.pathname)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const stub: ChatStub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serviceToken,
    rooms,
    logs,
    lastSeen,
    requests: [],
    failing: false,
    before: () => undefined,
    after: () => undefined,
    addRoom(members, epoch = randomUUID()) {
      const roomId = randomUUID()
      rooms.set(roomId, { epoch, members: new Set(members), events: [] })
      return roomId
    },
    store(roomId, senderId, clientMessageId, body = `body of ${clientMessageId}`) {
      const room = rooms.get(roomId)
      if (room === undefined) throw new Error('no such room')
      const event: MessagePosted = {
        roomId,
        epoch: room.epoch,
        offset: room.events.length + 1,
        messageNumber: room.events.length + 1,
        messageId: randomUUID(),
        senderId,
        clientMessageId,
        body,
        postedAt: Date.now(),
        replyTo: null,
        threadId: null,
        mentions: [],
        trackId: null,
        trackPositionMs: null,
      }
      room.events.push(event)
      return event
    },
    tell(userId, about = {}) {
      const { epoch, events } = logOf(userId)
      const event: UserNotified = {
        ...{ userId, epoch, offset: events.length + 1, type: 'mention' },
        ...{ roomId: randomUUID(), roomOffset: null, messageId: randomUUID(), messageNumber: 1 },
        ...{ senderId: randomUUID(), unreadMessages: 1, unreadMentions: 1 },
        ...{ mentions: 1, directMessages: 0, invitations: 0, at: Date.now() },
        ...about,
      }
      events.push(event)
      return event
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return stub
}
