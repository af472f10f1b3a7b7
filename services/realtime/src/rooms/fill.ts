import { setTimeout as delay } from 'node:timers/promises'
import { type Logger } from '@veza/kit/log'
import { type Room, headOf, isBehind, noteHead } from './room.ts'
import { type Rooms } from './rooms.ts'
import { type Head, type RoomSource, maxEvents, maxHeads } from './source.ts'

export interface FillOptions {
  readonly rooms: Rooms
  readonly source: RoomSource
  readonly log: Logger
}

/** Brings what did not come, or can't be known to have come, by Kafka. */
export interface Filler {
  /** The room lacks events: fetches them, and tries for as long as somebody follows it. */
  fill(room: Room): void
  /**
   * Whether the rooms lack events is unknown: asks chat where they stand, then fills. Tries until it knows.
   *
   * @param graceMs how long what chat has stored already may yet be on its way through Kafka
   */
  compare(rooms: Iterable<Room>, graceMs: number): void
  /** Asks chat where the room stands and fetches all up to there. Rejects when it can't. */
  catchUp(room: Room): Promise<void>
  /** Events that fills have brought, and streams that were replaced, since the start. */
  readonly stats: { readonly filled: number; readonly resets: number }
  close(): void
}

const backoffMs = (attempt: number): number => Math.min(5000, 100 * 2 ** attempt) * (0.5 + Math.random() / 2)

const maxConcurrentFills = 8

/** @returns a filler that is idle until told otherwise */
export const createFiller = ({ rooms, source, log }: FillOptions): Filler => {
  const stopping = new AbortController()
  const stats = { filled: 0, resets: 0 }
  const queue = new Set<Room>()
  // With the grace of each.
  const unsure = new Map<Room, number>()
  let filling = 0
  let comparing = false

  const isCurrent = (room: Room): boolean => rooms.get(room.id) === room

  const reset = (room: Room, epoch: string, offset: number): void => {
    log.warn(
      { roomId: room.id, from: room.epoch, to: epoch },
      'room has a new epoch: resubscribing its clients',
    )
    stats.resets++
    rooms.reset(room, epoch, offset)
  }

  /** @returns false when nothing came although something should have */
  const fetchPage = async (room: Room): Promise<boolean> => {
    const announced = headOf(room)
    const page = await source.events(room.id, room.offset, maxEvents)
    if (!isCurrent(room)) return true
    if (page === undefined) {
      rooms.drop(room)
      return true
    }
    if (page.epoch !== room.epoch) {
      reset(room, page.epoch, page.offset)
      return true
    }
    const before = room.offset
    for (const event of page.events) {
      rooms.offer(room, page.epoch, event.offset, () => JSON.stringify(event.data))
    }
    rooms.flush()
    noteHead(room, page.epoch, page.offset)
    stats.filled += Math.max(0, Math.min(room.offset - before, page.events.length))
    if (room.offset >= page.offset && announced > room.offset && announced === headOf(room)) {
      // Events are stored before they are produced: these are none of the room's, or the store went back without a
      // new epoch. Waiting for what can't come would stop the room.
      log.error(
        { roomId: room.id, head: page.offset, announced },
        'events beyond what chat has stored: ignored',
      )
      room.waiting.clear()
      room.heads.set(page.epoch, room.offset)
    }
    return room.offset > before || room.offset >= page.offset
  }

  const fillUp = async (room: Room): Promise<void> => {
    for (let attempt = 0; isCurrent(room) && isBehind(room) && !stopping.signal.aborted;) {
      try {
        if (await fetchPage(room)) {
          attempt = 0
          continue
        }
        log.error(
          { roomId: room.id, offset: room.offset },
          'chat has no events where its head says there are',
        )
      } catch (error) {
        log.warn({ err: error, roomId: room.id, attempt }, 'could not fetch missing events')
      }
      await delay(backoffMs(attempt++), undefined, { signal: stopping.signal })
    }
  }

  const pump = (): void => {
    for (const room of queue) {
      if (filling >= maxConcurrentFills) return
      queue.delete(room)
      filling++
      room.filling = fillUp(room)
        // Only the wait between two attempts rejects, when this closes.
        .catch(() => undefined)
        .finally(() => {
          filling--
          room.filling = undefined
          fillIfBehind(room)
          pump()
        })
    }
  }

  const fill = (room: Room): void => {
    if (room.filling !== undefined || stopping.signal.aborted) return
    queue.add(room)
    pump()
  }

  const fillIfBehind = (room: Room): void => {
    if (isCurrent(room) && isBehind(room)) fill(room)
  }

  const doubt = (room: Room, graceMs: number): void => {
    unsure.set(room, Math.min(graceMs, unsure.get(room) ?? Infinity))
  }

  const apply = (room: Room, head: Head | undefined): void => {
    if (!isCurrent(room) || room.epoch === undefined) return
    if (head === undefined) {
      rooms.drop(room)
      return
    }
    if (head.epoch !== room.epoch) {
      reset(room, head.epoch, head.offset)
      return
    }
    // What was seen of other epochs is of the past, then.
    for (const epoch of room.heads.keys()) if (epoch !== room.epoch) room.heads.delete(epoch)
    noteHead(room, head.epoch, head.offset)
  }

  const ask = async (asked: readonly Room[]): Promise<void> => {
    const heads = await source.heads(asked.map((room) => room.id))
    const byRoom = new Map(heads.map((head) => [head.roomId, head]))
    for (const room of asked) apply(room, byRoom.get(room.id))
  }

  const compareUnsure = async (): Promise<void> => {
    for (let attempt = 0; unsure.size > 0 && !stopping.signal.aborted;) {
      const batch = [...unsure].slice(0, maxHeads)
      for (const [room] of batch) unsure.delete(room)
      try {
        await ask(batch.map(([room]) => room))
        attempt = 0
        for (const [room, graceMs] of batch) setTimeout(fillIfBehind, graceMs, room).unref()
      } catch (error) {
        for (const [room, graceMs] of batch) if (isCurrent(room)) doubt(room, graceMs)
        log.warn({ err: error, rooms: unsure.size, attempt }, 'could not ask where rooms stand')
        await delay(backoffMs(attempt++), undefined, { signal: stopping.signal })
      }
    }
  }

  return {
    fill,

    compare(doubtful, graceMs) {
      for (const room of doubtful) doubt(room, graceMs)
      if (comparing) return
      comparing = true
      compareUnsure()
        // As above.
        .catch(() => undefined)
        .finally(() => {
          comparing = false
        })
    },

    async catchUp(room) {
      await ask([room])
      while (isCurrent(room) && isBehind(room)) {
        if (!(await fetchPage(room))) throw new Error('chat has no events where its head says there are')
      }
    },

    stats,
    close() {
      stopping.abort()
    },
  }
}
