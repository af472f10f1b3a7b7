import { type ReadPosition, type ReadPositions } from '../adapters/read-positions.ts'
import { type Rooms } from '../adapters/rooms.ts'
import { Rejection } from '../domain/rejection.ts'
import { visibleTo } from '../domain/room.ts'

/** Says that somebody has read a room up to a message. Never goes back. Throws Rejection. */
export const markRead =
  (rooms: Rooms, positions: ReadPositions, now: () => Date) =>
  async (roomId: string, userId: string, messageNumber: number): Promise<ReadPosition> => {
    const position = await positions.mark(roomId, userId, messageNumber, now())
    if (position !== undefined) return position
    const stored = await rooms.find(roomId, userId, userId)
    visibleTo(stored, stored?.actorRole ?? null)
    throw new Rejection('not-a-member')
  }
