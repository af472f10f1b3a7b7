import { channels } from '@veza/contracts'
import { type Json, type Reply } from '../protocol/replies.ts'
import { type Ring, createRing } from './ring.ts'
import { type Sequence } from './sequence.ts'

/** A connection, as a room sees it. */
export interface Subscriber {
  /** The stream that it follows is no more: it has to subscribe anew. */
  resubscribe(channel: string): void
  /** Whether it leaves so much unread that it is spared what is not needed. */
  isSlow(): boolean
  /** What is published to the channel passes it by from now on, until it is told to listen again. */
  pause(channel: string): void
  listen(channel: string): void
}

/** Of those who follow a channel and want to know who comes and goes. Clients know the channel itself only. */
export const joinLeaveChannel = (channel: string): string => `${channel}/who`

/** A room that somebody on this edge follows, or did so a short while ago. */
export interface Room extends Sequence<Json> {
  readonly id: string
  readonly channel: string
  /** Undefined until chat has said where the room stands. */
  epoch: string | undefined
  readonly ring: Ring
  readonly subscribers: Set<Subscriber>
  /** Subscriptions under way. */
  holds: number
  /** When the last one left, epoch milliseconds. */
  idleSince: number
  /** The highest offset known to exist, by epoch. */
  readonly heads: Map<string, number>
  /** The fill under way. */
  filling: Promise<void> | undefined
  /** Publications that left the sequence in this batch and are not sent yet. */
  outbox: Reply[]
}

export const createRoom = (id: string, now: number): Room => ({
  id,
  channel: channels.room(id),
  epoch: undefined,
  offset: 0,
  waiting: new Map(),
  ring: createRing(),
  subscribers: new Set(),
  holds: 0,
  idleSince: now,
  heads: new Map(),
  filling: undefined,
  outbox: [],
})

// Epochs change by restoring a backup: more than a few at a time are a mistake somewhere.
const maxEpochs = 8

/** Remembers that an offset exists. */
export const noteHead = (room: Room, epoch: string, offset: number): void => {
  const known = room.heads.get(epoch)
  if (known === undefined && room.heads.size >= maxEpochs) return
  if (known === undefined || offset > known) room.heads.set(epoch, offset)
}

/** How far the room is known to reach, in its own epoch. */
export const headOf = (room: Room): number =>
  room.epoch === undefined ? 0 : Math.max(room.offset, room.heads.get(room.epoch) ?? 0)

/** Whether it lacks events that are known to exist. */
export const isBehind = (room: Room): boolean => headOf(room) > room.offset
