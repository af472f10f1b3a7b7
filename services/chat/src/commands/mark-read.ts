import { randomUUID } from 'node:crypto'
import { type ReadPosition, type ReadPositions } from '../adapters/read-positions.ts'
import { type Rooms } from '../adapters/rooms.ts'
import { type StoredNotice } from '../adapters/user-log.ts'
import { Rejection } from '../domain/rejection.ts'
import { visibleTo } from '../domain/room.ts'

/**
 * Says that somebody has read a room up to a message. Never goes back. Throws Rejection.
 *
 * @param tell puts what the person's other devices are to learn on its way. It is stored, so nothing is lost if that fails
 */
export const markRead =
  (deps: { rooms: Rooms; positions: ReadPositions; tell: (notice: StoredNotice) => void; now: () => Date }) =>
  async (roomId: string, userId: string, messageNumber: number): Promise<ReadPosition> => {
    const mark = { at: deps.now(), sourceId: randomUUID() }
    const marked = await deps.positions.mark(roomId, userId, messageNumber, mark)
    if (marked !== undefined) {
      const { notice, ...position } = marked
      if (notice !== undefined) deps.tell(notice)
      return position
    }
    const stored = await deps.rooms.find(roomId, userId, userId)
    visibleTo(stored, stored?.actorRole ?? null)
    throw new Rejection('not-a-member')
  }
