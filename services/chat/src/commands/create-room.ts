import { newRoomId, type RoomDetails, type Rooms } from '../adapters/rooms.ts'
import { type Visibility } from '../domain/room.ts'

/** `name` is normalised already (`normaliseName`). */
export const createRoom =
  (rooms: Rooms, now: () => Date) =>
  async (input: { name: string; visibility: Visibility; ownerId: string }): Promise<RoomDetails> => {
    const createdAt = now()
    const room = { id: newRoomId(createdAt), ...input, createdAt }
    await rooms.create(room)
    return room
  }
