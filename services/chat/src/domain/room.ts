import { Rejection } from './rejection.ts'

/**
 * `public`: everybody who is signed in may see, read and join it. `private`: it does not exist for non-members, but for
 * those whom it invited. `direct`: private, of two people, for good.
 */
export type Visibility = 'public' | 'private' | 'direct'
export type Role = 'owner' | 'moderator' | 'member'

/** A room as one command about one person needs it. */
export interface Room {
  readonly visibility: Visibility
  readonly archived: boolean
  readonly slowModeSeconds: number
  readonly blockedWords: readonly string[]
  /** null = not a member. */
  readonly actorRole: Role | null
  /** Of the person that the command is about; the actor, unless it names somebody else. */
  readonly subjectRole: Role | null
  readonly subjectBanned: boolean
  readonly subjectInvited: boolean
  readonly subjectMutedUntil: Date | null
}

export type RoomCommand = { readonly actorId: string } & (
  | { readonly type: 'add-member' | 'remove-member' | 'ban' | 'lift-ban'; readonly userId: string }
  | { readonly type: 'invite' | 'withdraw-invitation'; readonly userId: string }
  | { readonly type: 'leave' }
  | { readonly type: 'set-role'; readonly userId: string; readonly role: Role }
  /** `until` in the past or null: may post again. */
  | { readonly type: 'mute'; readonly userId: string; readonly until: Date | null }
  | {
      readonly type: 'change-settings'
      readonly archived?: boolean | undefined
      readonly slowModeSeconds?: number | undefined
    }
  | { readonly type: 'block-words'; readonly words: readonly string[] }
)

export type LeavingHow = 'left' | 'removed' | 'banned' | 'erased'

export type RoomEvent =
  | { readonly type: 'member-added'; readonly userId: string; readonly role: Role }
  | { readonly type: 'member-left'; readonly userId: string; readonly how: LeavingHow }
  | { readonly type: 'role-changed'; readonly userId: string; readonly role: Role }
  | { readonly type: 'invited' | 'invitation-withdrawn'; readonly userId: string }
  | { readonly type: 'muted'; readonly userId: string; readonly until: Date | null }
  | { readonly type: 'banned' | 'ban-lifted'; readonly userId: string }
  | { readonly type: 'settings-changed'; readonly archived: boolean; readonly slowModeSeconds: number }
  | { readonly type: 'words-blocked'; readonly words: readonly string[] }

/** A room that the actor may know of, or the answer that an unknown one gets. */
export const visibleTo = <R extends { visibility: Visibility }>(
  room: R | undefined,
  role: Role | null,
  isInvited = false,
): R => {
  if (room === undefined || (room.visibility !== 'public' && role === null && !isInvited))
    throw new Rejection('room-not-found')
  return room
}

const ranks: Record<Role, number> = { owner: 2, moderator: 1, member: 0 }
const rankOf = (role: Role | null) => (role === null ? -1 : ranks[role])

/** Throws Rejection unless the actor moderates the room. */
export const assertModerator = ({ actorRole, visibility }: Room): void => {
  if (visibility === 'direct') throw new Rejection('direct-room')
  if (rankOf(actorRole) < ranks.moderator) throw new Rejection('not-moderator')
}

const assertOwner = ({ actorRole, visibility }: Room): void => {
  if (visibility === 'direct') throw new Rejection('direct-room')
  if (actorRole !== 'owner') throw new Rejection('not-owner')
}

/** Moderators act on members, the owner on everybody else; nobody acts so on themselves. */
const assertOutranks = (room: Room): void => {
  assertModerator(room)
  if (rankOf(room.actorRole) <= rankOf(room.subjectRole)) throw new Rejection('outranked')
}

const addMember = (room: Room, actorId: string, userId: string): RoomEvent[] => {
  if (userId !== actorId && room.actorRole !== 'owner') throw new Rejection('not-owner')
  if (room.subjectRole !== null) return []
  if (room.visibility === 'direct') throw new Rejection('direct-room')
  if (room.subjectBanned) throw new Rejection('banned')
  if (room.archived) throw new Rejection('room-archived')
  return [{ type: 'member-added', userId, role: 'member' }]
}

const leave = (room: Room, userId: string): RoomEvent[] => {
  if (room.actorRole === null) return []
  if (room.visibility === 'direct') throw new Rejection('direct-room')
  if (room.actorRole === 'owner') throw new Rejection('owner-cannot-leave')
  return [{ type: 'member-left', userId, how: 'left' }]
}

const invite = (room: Room, userId: string): RoomEvent[] => {
  assertModerator(room)
  if (room.subjectBanned) throw new Rejection('banned')
  if (room.archived) throw new Rejection('room-archived')
  return room.subjectRole !== null || room.subjectInvited ? [] : [{ type: 'invited', userId }]
}

const setRole = (room: Room, actorId: string, userId: string, role: Role): RoomEvent[] => {
  assertOwner(room)
  if (room.subjectRole === null) throw new Rejection('member-not-found')
  if (userId === actorId || room.subjectRole === role) return []
  const changed: RoomEvent = { type: 'role-changed', userId, role }
  // A room has one owner: who hands it over stays to moderate.
  return role === 'owner'
    ? [changed, { type: 'role-changed', userId: actorId, role: 'moderator' }]
    : [changed]
}

const sameWords = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((word, index) => word === b[index])

/** Pure. No event: nothing to do, the room is already as the command wants it. Throws Rejection. */
export const decide = (command: RoomCommand, stored: Room | undefined): RoomEvent[] => {
  const { actorId } = command
  const isAboutActor = !('userId' in command) || command.userId === actorId
  const room = visibleTo(stored, stored?.actorRole ?? null, isAboutActor && stored?.subjectInvited)
  switch (command.type) {
    case 'add-member':
      return addMember(room, actorId, command.userId)
    case 'leave':
      return leave(room, actorId)
    case 'remove-member':
      assertOutranks(room)
      return room.subjectRole === null
        ? []
        : [{ type: 'member-left', userId: command.userId, how: 'removed' }]
    case 'ban': {
      assertOutranks(room)
      if (room.subjectBanned) return []
      const banned: RoomEvent = { type: 'banned', userId: command.userId }
      const left: RoomEvent = { type: 'member-left', userId: command.userId, how: 'banned' }
      if (room.subjectRole !== null) return [left, banned]
      const withdrawn: RoomEvent = { type: 'invitation-withdrawn', userId: command.userId }
      return room.subjectInvited ? [withdrawn, banned] : [banned]
    }
    case 'lift-ban':
      assertModerator(room)
      return room.subjectBanned ? [{ type: 'ban-lifted', userId: command.userId }] : []
    case 'invite':
      return invite(room, command.userId)
    case 'withdraw-invitation':
      if (command.userId !== actorId) assertModerator(room)
      return room.subjectInvited ? [{ type: 'invitation-withdrawn', userId: command.userId }] : []
    case 'set-role':
      return setRole(room, actorId, command.userId, command.role)
    case 'mute': {
      assertOutranks(room)
      if (room.subjectRole === null) throw new Rejection('member-not-found')
      const { userId, until } = command
      return until?.getTime() === room.subjectMutedUntil?.getTime() ? [] : [{ type: 'muted', userId, until }]
    }
    case 'change-settings': {
      const { archived = room.archived, slowModeSeconds = room.slowModeSeconds } = command
      if (archived === room.archived) assertModerator(room)
      else assertOwner(room)
      const isSame = archived === room.archived && slowModeSeconds === room.slowModeSeconds
      return isSame ? [] : [{ type: 'settings-changed', archived, slowModeSeconds }]
    }
    case 'block-words':
      assertModerator(room)
      return sameWords(command.words, room.blockedWords)
        ? []
        : [{ type: 'words-blocked', words: command.words }]
    default:
      return command satisfies never
  }
}

/**
 * Pure: a person is forgotten. They leave whatever room they are in; one that they own goes to the successor, or is
 * archived when nobody is left.
 */
export const forget = (room: Room, userId: string, successorId: string | undefined): RoomEvent[] => {
  if (room.subjectRole === null) return []
  const left: RoomEvent = { type: 'member-left', userId, how: 'erased' }
  if (room.subjectRole !== 'owner') return [left]
  if (successorId !== undefined) return [{ type: 'role-changed', userId: successorId, role: 'owner' }, left]
  const { archived, slowModeSeconds } = room
  return archived ? [left] : [{ type: 'settings-changed', archived: true, slowModeSeconds }, left]
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
