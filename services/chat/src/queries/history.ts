import { type RoomPublication, roomPublication } from '@veza/contracts'
import { type Kysely, type SelectQueryBuilder } from 'kysely'
import { postedColumns, type PostedRow, readPosted } from '../adapters/posted-rows.ts'
import { messagePosted } from '../adapters/publish.ts'
import { type ChatDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { getRoom } from './rooms.ts'

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

type EventsQuery = SelectQueryBuilder<ChatDatabase, 'room_events', PostedRow>

/** One statement, so one snapshot: an event beyond the head that is told with it would look like a hole. */
const readStretch = async (
  db: Kysely<ChatDatabase>,
  roomId: string,
  direction: 'asc' | 'desc',
  select: (events: EventsQuery) => EventsQuery,
): Promise<Stretch> => {
  const rows = await db
    .selectFrom('room_heads as head')
    .leftJoinLateral(
      (eb) =>
        select(
          eb
            .selectFrom('room_events')
            .select(postedColumns)
            .where('room_id', '=', roomId)
            .orderBy('offset', direction),
        ).as('event'),
      (join) => join.onTrue(),
    )
    .select(['head.epoch', 'head.last_offset'])
    .selectAll('event')
    .where('head.room_id', '=', roomId)
    .orderBy('event.offset', direction)
    .execute()
  const [first] = rows
  if (first === undefined) throw new Rejection('room-not-found')
  const events = rows.flatMap((row) =>
    hasEvent(row)
      ? [{ offset: row.offset, data: roomPublication(messagePosted(readPosted(row, row.epoch))) }]
      : [],
  )
  return { epoch: first.epoch, offset: first.last_offset, events }
}

/** The outer join gives a room without events one row of nulls. */
const hasEvent = <R extends { [C in keyof PostedRow]: PostedRow[C] | null }>(row: R): row is R & PostedRow =>
  row.event_id !== null

/**
 * The newest first, those before `before` when it is given. A private room's history is its members', a public room's
 * is for whoever is signed in. Throws Rejection `room-not-found`.
 */
export const readHistory =
  (db: Kysely<ChatDatabase>) =>
  async (
    roomId: string,
    userId: string,
    { before, limit }: { before: number | undefined; limit: number },
  ): Promise<Stretch> => {
    await getRoom(db)(roomId, userId)
    return readStretch(db, roomId, 'desc', (events) =>
      events.$if(before !== undefined, (query) => query.where('offset', '<', before ?? 0)).limit(limit),
    )
  }

/** Those after `after`, ascending and dense. Access is the caller's, a process of Veza. Rejects `room-not-found`. */
export const readForwards =
  (db: Kysely<ChatDatabase>) =>
  (roomId: string, { after, limit }: { after: number; limit: number }) =>
    readStretch(db, roomId, 'asc', (events) => events.where('offset', '>', after).limit(limit))
