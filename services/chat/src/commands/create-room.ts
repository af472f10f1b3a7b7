import { type EventMetadata } from '@veza/kit/events'
import { uuidv7 } from '@veza/kit/ids'
import { type RoomDetails, type Rooms } from '../adapters/rooms.ts'
import { type Visibility } from '../domain/room.ts'

/** `name` is normalised already (`normaliseName`). */
export const createRoom =
  (rooms: Rooms, now: () => Date) =>
  async (
    input: { name: string; visibility: Visibility; ownerId: string },
    metadata: EventMetadata,
  ): Promise<RoomDetails> => {
    const createdAt = now()
    const room = { id: uuidv7(createdAt), ...input, createdAt }
    await rooms.create(room, metadata)
    return room
  }

/** The direct room of two people, created once however often they ask. */
export const openDirectRoom =
  (rooms: Rooms, now: () => Date) =>
  (
    actorId: string,
    userId: string,
    metadata: EventMetadata,
  ): Promise<{ readonly roomId: string; readonly isNew: boolean }> =>
    rooms.openDirect({ actorId, at: now(), metadata }, userId)
