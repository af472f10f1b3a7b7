import { type Rooms } from '../adapters/rooms.ts'
import { decide, type RoomCommand } from '../domain/room.ts'

/** Adds or takes away one member. Idempotent. Throws Rejection. */
export const changeMembers =
  (rooms: Rooms, now: () => Date) =>
  async (roomId: string, command: RoomCommand): Promise<void> => {
    const subjectId = command.type === 'add-member' ? command.userId : command.actorId
    const events = decide(command, await rooms.find(roomId, command.actorId, subjectId))
    await rooms.apply(roomId, events, now())
  }
