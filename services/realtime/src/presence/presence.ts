import { type EdgeSeen, type PresenceChanged, channels } from '@veza/contracts'
import { type ClientInfo, type Publish, type Reply } from '../protocol/replies.ts'
import { joinLeaveChannel } from '../rooms/room.ts'
import { createEdges } from './edges.ts'
import {
  type RoomPresence,
  addClient,
  applyChange,
  countsOf,
  createRoomPresence,
  partOf,
  removeClient,
  removePart,
} from './room-presence.ts'

export interface PresenceSettings {
  /** An edge that is not heard of for so long counts as gone, with all its connections. */
  readonly ttlMs: number
  /** Connections of a room up to which they are listed, and told to come and go; beyond it they are counted. */
  readonly maxListed: number
  /** What happens within it goes out together, after a random part of it: many come back at once. */
  readonly spreadMs: number
}

export interface PresenceOptions {
  /** This edge. */
  readonly edgeId: string
  readonly settings: PresenceSettings
  /** Tells the other edges. A word that is lost is asked for again. */
  readonly send: (
    signal:
      | { readonly type: 'PresenceChanged'; readonly value: PresenceChanged }
      | { readonly type: 'EdgeSeen'; readonly value: EdgeSeen },
  ) => void
  readonly publish: Publish
  readonly now: () => number
  /** In [0, 1). */
  readonly random: () => number
}

/** Who is in which room, over all edges. Only the rooms that somebody here follows are known. */
export interface Presence {
  enter(roomId: string, info: ClientInfo): void
  leave(roomId: string, clientId: string): void
  onChange(change: PresenceChanged): void
  onEdge(edge: EdgeSeen): void
  /** Signals may have been missed. */
  doubt(): void
  /** By connection. Undefined when there are too many to list. */
  list(roomId: string): Record<string, ClientInfo> | undefined
  counts(roomId: string): { clients: number; users: number }
  /** When users left the room, epoch milliseconds, as far as this edge saw it; `now` for those who are in it. */
  lastSeen(roomId: string, userIds: readonly string[]): Record<string, number>
  /** Sends what is due. Call it several times a second. */
  tick(): void
  /** The last word of this edge. */
  close(): void
}

/** A room, and what is to be said of it to the other edges. */
interface Watched extends RoomPresence {
  sequence: number
  /** When the next word is due, epoch milliseconds; Infinity = nothing is to be said. */
  dueAt: number
  complete: boolean
  asks: boolean
  askedAt: number
  /** Connections here that came, with their users, or left, since the last word. */
  readonly came: Map<string, string>
  readonly left: Set<string>
}

const heartbeatsPerTtl = 3
const maxPushesPerFrame = 16

/** @returns nobody anywhere */
export const createPresence = (options: PresenceOptions): Presence => {
  const { edgeId, settings, send, publish, now, random } = options
  const startedAt = now()
  const rooms = new Map<string, Watched>()
  const due = new Set<Watched>()
  const edges = createEdges(settings.ttlMs, now)
  let heartbeatAt = startedAt

  const schedule = (room: Watched): void => {
    due.add(room)
    if (room.dueAt === Infinity) room.dueAt = now() + settings.spreadMs * random()
  }

  const watch = (roomId: string): Watched => {
    let room = rooms.get(roomId)
    if (room === undefined) {
      const fresh = { sequence: 0, dueAt: Infinity, complete: true, asks: true, askedAt: now() }
      room = { ...createRoomPresence(roomId), ...fresh, came: new Map(), left: new Set() }
      rooms.set(roomId, room)
    }
    return room
  }

  const ask = (room: Watched): void => {
    // The answer to the last question may yet be on its way.
    if (now() - room.askedAt < 2 * settings.spreadMs) return
    room.asks = true
    room.askedAt = now()
    schedule(room)
  }

  /** Says what happened here in the room since the last word. */
  const speak = (room: Watched): void => {
    const mine = partOf(room, edgeId)
    const listed = mine.users.size <= settings.maxListed
    // A list that was too long for the others to know is told whole once it is short enough.
    const complete = room.complete || listed !== mine.listed || !listed
    mine.listed = listed
    mine.userCount = new Set(mine.users.values()).size
    const told = !listed ? new Map<string, string>() : complete ? mine.users : room.came
    send({
      type: 'PresenceChanged',
      value: {
        roomId: room.roomId,
        edgeId,
        sequence: ++room.sequence,
        complete,
        listed,
        clients: [...told.keys()],
        users: [...told.values()],
        left: complete ? [] : [...room.left],
        clientCount: mine.clientCount,
        userCount: mine.userCount,
        asks: room.asks,
        sentAt: now(),
      },
    })
    room.complete = false
    room.asks = false
    room.came.clear()
    room.left.clear()
    if (mine.clientCount === 0) rooms.delete(room.roomId)
  }

  /** Tells those who want to know who came and went. */
  const announce = (room: Watched): void => {
    const isLarge = countsOf(room).clients > settings.maxListed
    const channel = channels.room(room.roomId)
    const pushes = [...room.news.values()].map(({ came, info }): Reply => ({
      type: came ? 'joined' : 'left',
      channel,
      info,
    }))
    room.news.clear()
    if (isLarge) return
    for (let from = 0; from < pushes.length; from += maxPushesPerFrame)
      publish(joinLeaveChannel(channel), pushes.slice(from, from + maxPushesPerFrame))
  }

  const heartbeat = (leaving: boolean): void => {
    heartbeatAt = now() + settings.ttlMs / heartbeatsPerTtl
    send({ type: 'EdgeSeen', value: { edgeId, startedAt, leaving, sentAt: now() } })
  }

  const lose = (gone: string): void => {
    for (const room of rooms.values()) {
      removePart(room, gone, now())
      if (room.news.size > 0) due.add(room)
    }
  }

  return {
    enter(roomId, { user, client }) {
      const room = watch(roomId)
      const mine = partOf(room, edgeId)
      addClient(room, mine, client, user)
      mine.clientCount = mine.users.size
      if (!room.left.delete(client)) room.came.set(client, user)
      schedule(room)
    },

    leave(roomId, clientId) {
      const room = rooms.get(roomId)
      if (room === undefined) return
      const mine = partOf(room, edgeId)
      removeClient(room, mine, clientId, now())
      mine.clientCount = mine.users.size
      // The others need not hear of who came and went between two words.
      if (!room.came.delete(clientId)) room.left.add(clientId)
      schedule(room)
    },

    onChange(change) {
      if (change.edgeId === edgeId || !edges.counts(change.edgeId)) return
      const room = rooms.get(change.roomId)
      if (room === undefined) return
      edges.hear(change.edgeId)
      if (change.asks) {
        room.complete = true
        schedule(room)
      }
      if (!applyChange(room, change, now())) ask(room)
      if (room.news.size > 0) due.add(room)
    },

    onEdge({ edgeId: other, startedAt: since, leaving }) {
      if (other === edgeId) return
      if (leaving) {
        edges.end(other)
        lose(other)
      } else if (edges.greet(other, since)) for (const room of rooms.values()) ask(room)
    },

    doubt() {
      for (const room of rooms.values()) ask(room)
    },

    list(roomId) {
      const room = rooms.get(roomId)
      if (room === undefined) return {}
      if (countsOf(room).clients > settings.maxListed) return undefined
      const clients: Record<string, ClientInfo> = {}
      for (const { users } of room.parts.values())
        for (const [client, user] of users) clients[client] = { user, client }
      return clients
    },

    counts(roomId) {
      const room = rooms.get(roomId)
      return room === undefined ? { clients: 0, users: 0 } : countsOf(room)
    },

    lastSeen(roomId, userIds) {
      const room = rooms.get(roomId)
      const seen: Record<string, number> = {}
      for (const userId of userIds) {
        const at = room?.connections.has(userId) === true ? now() : room?.lastSeen.get(userId)
        if (at !== undefined) seen[userId] = at
      }
      return seen
    },

    tick() {
      if (now() >= heartbeatAt) heartbeat(false)
      for (const gone of edges.expire()) lose(gone)
      for (const room of due) {
        if (room.news.size > 0) announce(room)
        if (room.dueAt > now()) {
          if (room.dueAt === Infinity) due.delete(room)
          continue
        }
        room.dueAt = Infinity
        due.delete(room)
        speak(room)
      }
    },

    close() {
      heartbeat(true)
    },
  }
}
