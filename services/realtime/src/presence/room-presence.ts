import { type PresenceChanged } from '@veza/contracts'
import { type ClientInfo } from '../protocol/replies.ts'

/** What one edge has in a room. */
export interface EdgePart {
  /** Of its last record. */
  sequence: number
  /** Whether `users` is whole; otherwise there are too many, and only the counts are known. */
  listed: boolean
  /** User by connection. */
  users: Map<string, string>
  clientCount: number
  userCount: number
}

/** Who is in a room, over all edges, as far as this edge was told. */
export interface RoomPresence {
  readonly roomId: string
  /** By edge. */
  readonly parts: Map<string, EdgePart>
  /** How many connections a user has in the room. */
  readonly connections: Map<string, number>
  /** When users who are not in the room now left it, epoch milliseconds; the longest gone first. */
  readonly lastSeen: Map<string, number>
  /** Who came (true) or went since clients were told last, by connection. */
  readonly news: Map<string, { readonly came: boolean; readonly info: ClientInfo }>
}

export const createRoomPresence = (roomId: string): RoomPresence => ({
  roomId,
  parts: new Map(),
  connections: new Map(),
  lastSeen: new Map(),
  news: new Map(),
})

const createPart = (): EdgePart => ({
  sequence: 0,
  listed: true,
  users: new Map(),
  clientCount: 0,
  userCount: 0,
})

/** The part of an edge, created if need be. */
export const partOf = (room: RoomPresence, edgeId: string): EdgePart => {
  let part = room.parts.get(edgeId)
  if (part === undefined) {
    part = createPart()
    room.parts.set(edgeId, part)
  }
  return part
}

// Who came and went between two tellings was never there for anybody else.
const tell = (room: RoomPresence, came: boolean, client: string, user: string): void => {
  const earlier = room.news.get(client)
  if (earlier === undefined) room.news.set(client, { came, info: { user, client } })
  else if (earlier.came !== came) room.news.delete(client)
}

/** Takes a connection in. */
export const addClient = (room: RoomPresence, part: EdgePart, client: string, user: string): void => {
  if (part.users.has(client)) return
  part.users.set(client, user)
  room.connections.set(user, (room.connections.get(user) ?? 0) + 1)
  room.lastSeen.delete(user)
  tell(room, true, client, user)
}

const maxLastSeen = 1000

/** Takes a connection out. */
export const removeClient = (room: RoomPresence, part: EdgePart, client: string, now: number): void => {
  const user = part.users.get(client)
  if (user === undefined) return
  part.users.delete(client)
  tell(room, false, client, user)
  const others = (room.connections.get(user) ?? 0) - 1
  if (others > 0) {
    room.connections.set(user, others)
    return
  }
  room.connections.delete(user)
  room.lastSeen.set(user, now)
  for (const [oldest] of room.lastSeen) {
    if (room.lastSeen.size <= maxLastSeen) break
    room.lastSeen.delete(oldest)
  }
}

/** Takes all connections of an edge out. */
export const removePart = (room: RoomPresence, edgeId: string, now: number): void => {
  const part = room.parts.get(edgeId)
  if (part === undefined) return
  for (const client of part.users.keys()) removeClient(room, part, client, now)
  room.parts.delete(edgeId)
}

/**
 * Takes in what another edge says.
 *
 * @returns false when something that it said before is missing: all that it has is to be asked for
 */
export const applyChange = (room: RoomPresence, change: PresenceChanged, now: number): boolean => {
  const known = room.parts.get(change.edgeId)
  if (!change.complete && change.sequence !== (known?.sequence ?? 0) + 1) return false
  const part = partOf(room, change.edgeId)
  part.sequence = change.sequence
  part.listed = change.listed
  part.clientCount = change.clientCount
  part.userCount = change.userCount
  const came = new Map(change.clients.map((client, index) => [client, change.users[index] ?? '']))
  const left = change.complete ? [...part.users.keys()].filter((client) => !came.has(client)) : change.left
  for (const client of left) removeClient(room, part, client, now)
  for (const [client, user] of came) addClient(room, part, client, user)
  if (part.clientCount === 0) room.parts.delete(change.edgeId)
  return true
}

/** How many are there. Users of a room that is too large to list count once an edge that they are connected to. */
export const countsOf = (room: RoomPresence): { clients: number; users: number } => {
  let clients = 0
  let users = 0
  let listed = true
  for (const part of room.parts.values()) {
    clients += part.clientCount
    users += part.userCount
    listed &&= part.listed
  }
  return { clients, users: listed ? room.connections.size : users }
}
