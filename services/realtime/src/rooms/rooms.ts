import { type Json, type Publish } from '../protocol/replies.ts'
import { deletedMessage, withoutText } from './deletion.ts'
import { clearRing, pushRing, rewriteRing } from './ring.ts'
import { type Room, type Subscriber, createRoom, isBehind, noteHead } from './room.ts'
import { isWanted, take } from './sequence.ts'

export interface RoomsSettings {
  /** Publications that a room's ring holds. */
  readonly ringEvents: number
  /** What all rings together may hold; beyond it the quietest rooms' rings are emptied. */
  readonly ringBytes: number
  /** Early events that a room keeps while a gap before them is filled. */
  readonly maxWaiting: number
  /** How long a room is kept up to date after its last subscriber left. */
  readonly idleMs: number
}

export interface RoomsOptions {
  readonly settings: RoomsSettings
  readonly publish: Publish
  /** Called when a room turns out to lack events, or to have events of an epoch that is not its own. */
  readonly onGap: (room: Room) => void
  readonly onForeignEpoch: (room: Room) => void
  readonly now: () => number
}

/** The rooms that this edge follows. Synchronous throughout: what is missing is fetched elsewhere (fill.ts). */
export interface Rooms {
  get(roomId: string): Room | undefined
  all(): Iterable<Room>
  /** The room, created if need be, kept until `release`. */
  hold(roomId: string): Room
  release(room: Room): void
  /** Sets where a new room stands; from there on it is delivered. Does nothing to a room that has started. */
  start(room: Room, epoch: string, offset: number): void
  /** Adds a subscriber; from the next `flush` on it is sent what is published. */
  join(room: Room, subscriber: Subscriber): void
  leave(room: Room, subscriber: Subscriber): void
  /** Takes an event in. It is published by the next `flush`, or once what is missing before it has come. */
  offer(room: Room, epoch: string, offset: number, encode: () => Json): void
  /** Publishes what is due, several publications a frame. Once a batch of events, in the same tick. */
  flush(): void
  /** The room's stream is another now: its subscribers have to subscribe anew. */
  reset(room: Room, epoch: string, offset: number): void
  /** Forgets a room that does not exist, or no longer; its subscribers find out by subscribing anew. */
  drop(room: Room): void
  /** Forgets the rooms that nobody has followed for idleMs. */
  sweep(): void
  readonly size: number
  readonly ringBytes: number
}

// Centrifugo puts up to 16 messages in a frame too.
const maxPublicationsPerFrame = 16

/** @returns no rooms yet */
export const createRooms = ({ settings, publish, onGap, onForeignEpoch, now }: RoomsOptions): Rooms => {
  const rooms = new Map<string, Room>()
  const due = new Set<Room>()
  // In the order of their last publication, the quietest first.
  const remembered = new Set<Room>()
  let ringBytes = 0

  const forgetRing = (room: Room): void => {
    ringBytes -= room.ring.bytes
    clearRing(room.ring)
    remembered.delete(room)
  }

  const onNext = (room: Room, offset: number, data: Json): void => {
    const deleted = deletedMessage(data)
    if (deleted !== undefined) ringBytes += rewriteRing(room.ring, (entry) => withoutText(entry, deleted))
    ringBytes += pushRing(room.ring, offset, data, settings.ringEvents)
    room.outbox.push({ type: 'published', channel: room.channel, publication: { offset, data } })
    due.add(room)
  }

  const publishDue = (room: Room): void => {
    const { channel, outbox } = room
    for (let from = 0; from < outbox.length; from += maxPublicationsPerFrame)
      publish(channel, outbox.slice(from, from + maxPublicationsPerFrame))
    room.outbox = []
    remembered.delete(room)
    remembered.add(room)
  }

  const expel = (room: Room): void => {
    forgetRing(room)
    room.waiting.clear()
    const { channel } = room
    const subscribers = [...room.subscribers]
    room.subscribers.clear()
    room.idleSince = now()
    for (const subscriber of subscribers) subscriber.resubscribe(channel)
  }

  const forget = (room: Room): void => {
    forgetRing(room)
    due.delete(room)
    rooms.delete(room.id)
  }

  const flush = (): void => {
    for (const room of due) publishDue(room)
    due.clear()
    for (const room of remembered) {
      if (ringBytes <= settings.ringBytes) break
      forgetRing(room)
    }
  }

  return {
    get: (roomId) => rooms.get(roomId),
    all: () => rooms.values(),

    hold(roomId) {
      let room = rooms.get(roomId)
      if (room === undefined) {
        room = createRoom(roomId, now())
        rooms.set(roomId, room)
      }
      room.holds++
      return room
    },

    release(room) {
      room.holds--
      // One that never started follows nothing: the next subscriber begins with where it stands then.
      if (room.holds === 0 && room.epoch === undefined && rooms.get(room.id) === room) forget(room)
    },

    start(room, epoch, offset) {
      if (room.epoch !== undefined) return
      room.epoch = epoch
      room.offset = offset
      noteHead(room, epoch, offset)
      if (isBehind(room)) onGap(room)
    },

    join(room, subscriber) {
      room.subscribers.add(subscriber)
    },

    leave(room, subscriber) {
      room.subscribers.delete(subscriber)
      if (room.subscribers.size === 0) room.idleSince = now()
    },

    offer(room, epoch, offset, encode) {
      if (epoch !== room.epoch) {
        noteHead(room, epoch, offset)
        if (room.epoch !== undefined) onForeignEpoch(room)
        return
      }
      if (!isWanted(room, offset)) return
      noteHead(room, epoch, offset)
      take(room, offset, encode(), settings.maxWaiting, onNext)
      if (room.offset < offset) onGap(room)
    },

    flush,

    reset(room, epoch, offset) {
      flush()
      expel(room)
      room.epoch = epoch
      room.offset = offset
      const head = room.heads.get(epoch)
      room.heads.clear()
      noteHead(room, epoch, Math.max(offset, head ?? 0))
      if (isBehind(room)) onGap(room)
    },

    drop(room) {
      flush()
      expel(room)
      forget(room)
    },

    sweep() {
      const deadline = now() - settings.idleMs
      for (const room of rooms.values()) {
        const isIdle = room.subscribers.size === 0 && room.holds === 0
        if (isIdle && room.idleSince <= deadline) forget(room)
      }
    },

    get size() {
      return rooms.size
    },
    get ringBytes() {
      return ringBytes
    },
  }
}
