import { type RoomPublication, roomPublication } from '@veza/contracts'
import { type Kysely } from 'kysely'
import { eventColumns, type PlacedRow, readEvent } from '../adapters/event-rows.ts'
import { chatEvent } from '../adapters/publish.ts'
import { type ChatDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'

/** An event of a room at its place in the room's order. */
export interface PlacedEvent {
  readonly offset: number
  readonly data: RoomPublication
}

/** A stretch of a room's events. `offset` is that of the room's last event: it and `events` are of one moment. */
export interface Stretch {
  readonly epoch: string
  readonly offset: number
  readonly events: PlacedEvent[]
}

/** The outer join gives a room without events one row of nulls. */
const hasEvent = <R extends { [C in keyof PlacedRow]: PlacedRow[C] | null }>(row: R): row is R & PlacedRow =>
  row.event_id !== null

/**
 * Those after `after`, ascending and dense. Access is the caller's, a process of Veza. Rejects `room-not-found`.
 * One statement, so one snapshot: an event beyond the head that is told with it would look like a hole.
 */
export const readForwards =
  (db: Kysely<ChatDatabase>) =>
  async (roomId: string, { after, limit }: { after: number; limit: number }): Promise<Stretch> => {
    const rows = await db
      .selectFrom('room_heads as head')
      .leftJoinLateral(
        (eb) =>
          eb
            .selectFrom('room_events')
            .select(eventColumns)
            .where('room_id', '=', roomId)
            .where('offset', '>', after)
            .orderBy('offset')
            .limit(limit)
            .as('event'),
        (join) => join.onTrue(),
      )
      .select(['head.epoch', 'head.last_offset'])
      .selectAll('event')
      .where('head.room_id', '=', roomId)
      .orderBy('event.offset')
      .execute()
    const [first] = rows
    if (first === undefined) throw new Rejection('room-not-found')
    const events = rows.flatMap((row) =>
      hasEvent(row)
        ? [{ offset: row.offset, data: roomPublication(chatEvent(readEvent(row, row.epoch))) }]
        : [],
    )
    return { epoch: first.epoch, offset: first.last_offset, events }
  }
