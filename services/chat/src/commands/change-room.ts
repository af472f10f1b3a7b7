import { type EventMetadata } from '@veza/kit/events'
import { type Rooms } from '../adapters/rooms.ts'
import { decide, type RoomCommand, type RoomEvent } from '../domain/room.ts'

/** Resolves to what it changed; nothing when the room is as the command wants it. Throws Rejection. */
export const changeRoom =
  (rooms: Rooms, now: () => Date) =>
  (roomId: string, command: RoomCommand, metadata: EventMetadata): Promise<readonly RoomEvent[]> => {
    const subjectId = 'userId' in command ? command.userId : command.actorId
    const act = { actorId: command.actorId, at: now(), metadata }
    return rooms.change(roomId, subjectId, act, (room) => decide(command, room))
  }
