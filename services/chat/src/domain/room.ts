import { Rejection } from './rejection.ts'

/** `public`: everybody who is signed in may see, read and join it. `private`: it does not exist for non-members. */
export type Visibility = 'public' | 'private'
export type Role = 'owner' | 'moderator' | 'member'

/** A room as one command about one person needs it. */
export interface Room {
  readonly visibility: Visibility
  /** null = not a member. */
  readonly actorRole: Role | null
  /** The person that the command is about; the actor, unless an owner adds somebody. */
  readonly subjectRole: Role | null
}

export type RoomCommand =
  { type: 'add-member'; actorId: string; userId: string } | { type: 'leave'; actorId: string }

export type RoomEvent = { type: 'member-added'; userId: string } | { type: 'member-left'; userId: string }

/** A room that the actor may know of, or the answer that an unknown one gets. */
export const visibleTo = <R extends { visibility: Visibility }>(
  room: R | undefined,
  role: Role | null,
): R => {
  if (room === undefined || (room.visibility === 'private' && role === null))
    throw new Rejection('room-not-found')
  return room
}

/** Pure. No event: nothing to do, the room is already as the command wants it. */
export const decide = (command: RoomCommand, stored: Room | undefined): RoomEvent[] => {
  const room = visibleTo(stored, stored?.actorRole ?? null)
  switch (command.type) {
    case 'add-member':
      if (command.userId !== command.actorId && room.actorRole !== 'owner') throw new Rejection('not-owner')
      return room.subjectRole === null ? [{ type: 'member-added', userId: command.userId }] : []
    case 'leave':
      if (room.actorRole === 'owner') throw new Rejection('owner-cannot-leave')
      return room.actorRole === null ? [] : [{ type: 'member-left', userId: command.actorId }]
    default:
      return command satisfies never
  }
}

const maxNameLength = 80

/**
 * A room's name as it is stored: NFC, trimmed. undefined when it is empty, longer than 80 code points, or holds control
 * characters, line separators or lone surrogates.
 */
export const normaliseName = (text: string): string | undefined => {
  const name = text.normalize('NFC').trim()
  const length = Array.from(name).length
  return length >= 1 && length <= maxNameLength && !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)
    ? name
    : undefined
}
