import { Rejection } from './rejection.ts'

export interface Link {
  /** May be empty. */
  readonly label: string
  readonly url: string
}

/** What others see. */
export interface Profile {
  readonly displayName: string
  /** Unique among all people; null: none was chosen. */
  readonly handle: string | null
  readonly bio: string
  readonly location: string
  readonly links: readonly Link[]
}

/** What nobody but the person sees. */
export interface PrivateProfile {
  readonly fullName: string | null
  /** E.164. */
  readonly phone: string | null
  /** YYYY-MM-DD. */
  readonly birthDate: string | null
}

export interface Privacy {
  /** A follower has to be accepted first. */
  readonly approveFollowers: boolean
  readonly searchable: boolean
  /** Who sees whom the person follows and is followed by. */
  readonly followsVisibleTo: 'everyone' | 'followers' | 'nobody'
}

export interface Settings {
  /** BCP 47. */
  readonly language: string
  /** Of the IANA database. */
  readonly timeZone: string
  readonly theme: 'system' | 'light' | 'dark'
  readonly emailNotifications: boolean
}

/** A person, as their commands need them. */
export interface User {
  readonly status: 'unknown' | 'active' | 'erasure-pending' | 'erased'
  readonly profile: Profile
  readonly privateProfile: PrivateProfile
  readonly avatarId: string | null
  readonly privacy: Privacy
  readonly settings: Settings
  /** When the erasure that was asked for is due. */
  readonly erasureDueAt: Date | null
  readonly createdAt: Date | null
}

/** What is to be another from now on; undefined stays as it is. */
export type Changes<T> = { readonly [K in keyof T]?: T[K] | undefined }

export type UserCommand =
  | { type: 'create'; displayName: string }
  | { type: 'update-profile'; profile: Changes<Profile>; privateProfile: Changes<PrivateProfile> }
  | { type: 'change-avatar'; avatarId: string | null }
  | { type: 'change-privacy'; privacy: Changes<Privacy> }
  | { type: 'change-settings'; settings: Changes<Settings> }
  | { type: 'request-export'; exportId: string }
  | { type: 'request-erasure'; graceMs: number }
  | { type: 'cancel-erasure' }
  | { type: 'erase' }

export type UserEvent =
  | { type: 'profile-created'; profile: Profile; at: Date }
  | { type: 'profile-updated'; profile: Profile; changed: readonly (keyof Profile)[]; at: Date }
  | { type: 'private-profile-updated'; fields: PrivateProfile; at: Date }
  | { type: 'avatar-changed'; avatarId: string | null; at: Date }
  | { type: 'privacy-changed'; privacy: Privacy; at: Date }
  | { type: 'settings-changed'; settings: Settings; at: Date }
  | { type: 'export-requested'; exportId: string; at: Date }
  | { type: 'erasure-requested'; dueAt: Date; at: Date }
  | { type: 'erasure-cancelled'; at: Date }
  | { type: 'erased'; at: Date }

const noPrivateProfile: PrivateProfile = { fullName: null, phone: null, birthDate: null }

/** Somebody of whom nothing is known. */
export const unknownUser: User = {
  status: 'unknown',
  profile: { displayName: '', handle: null, bio: '', location: '', links: [] },
  privateProfile: noPrivateProfile,
  avatarId: null,
  privacy: { approveFollowers: false, searchable: true, followsVisibleTo: 'everyone' },
  settings: { language: 'en', timeZone: 'UTC', theme: 'system', emailNotifications: true },
  erasureDueAt: null,
  createdAt: null,
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Names of the fields in which `next` differs. */
const differing = <T extends object>(now: T, next: T): (keyof T)[] =>
  (Object.keys(next) as (keyof T)[]).filter((field) => !isSame(now[field], next[field]))

const merged = <T extends object>(now: T, given: Changes<T>): T => ({
  ...now,
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
})

/** A person who is there and may change things. */
const active = (user: User): User => {
  switch (user.status) {
    case 'unknown':
      throw new Rejection('user-not-found')
    case 'erased':
      throw new Rejection('user-erased')
    case 'erasure-pending':
      throw new Rejection('erasure-pending')
    case 'active':
      return user
    default:
      return user.status satisfies never
  }
}

const decideErasure = (user: User, graceMs: number, at: Date): UserEvent[] => {
  // Asked again, it is due when it was.
  if (user.status === 'erasure-pending') return []
  active(user)
  const requested = { type: 'erasure-requested', dueAt: new Date(at.getTime() + graceMs), at } as const
  return graceMs === 0 ? [requested, { type: 'erased', at }] : [requested]
}

/** Pure. No event: nothing to do, it is already as the command wants it. */
export const decide = (command: UserCommand, user: User, at: Date): UserEvent[] => {
  switch (command.type) {
    case 'create': {
      if (user.status === 'erased') throw new Rejection('user-erased')
      if (user.status !== 'unknown') return []
      const profile = { ...unknownUser.profile, displayName: command.displayName }
      return [{ type: 'profile-created', profile, at }]
    }
    case 'update-profile': {
      const { profile, privateProfile } = active(user)
      const next = merged(profile, command.profile)
      const changed = differing(profile, next)
      const fields = merged(privateProfile, command.privateProfile)
      return [
        ...(changed.length === 0 ? [] : [{ type: 'profile-updated', profile: next, changed, at } as const]),
        ...(isSame(privateProfile, fields) ? [] : [{ type: 'private-profile-updated', fields, at } as const]),
      ]
    }
    case 'change-avatar':
      return active(user).avatarId === command.avatarId
        ? []
        : [{ type: 'avatar-changed', avatarId: command.avatarId, at }]
    case 'change-privacy': {
      const privacy = merged(active(user).privacy, command.privacy)
      return isSame(user.privacy, privacy) ? [] : [{ type: 'privacy-changed', privacy, at }]
    }
    case 'change-settings': {
      const settings = merged(active(user).settings, command.settings)
      return isSame(user.settings, settings) ? [] : [{ type: 'settings-changed', settings, at }]
    }
    case 'request-export':
      // Whoever is to be erased soon may still want a copy.
      if (user.status !== 'erasure-pending') active(user)
      return [{ type: 'export-requested', exportId: command.exportId, at }]
    case 'request-erasure':
      return decideErasure(user, command.graceMs, at)
    case 'cancel-erasure':
      if (user.status !== 'erasure-pending') throw new Rejection('no-erasure-pending')
      return [{ type: 'erasure-cancelled', at }]
    case 'erase':
      // Taken back, or done, since somebody saw that it was due.
      return user.status === 'erasure-pending' && user.erasureDueAt !== null && user.erasureDueAt <= at
        ? [{ type: 'erased', at }]
        : []
    default:
      return command satisfies never
  }
}

/** Pure. */
export const evolve = (user: User, event: UserEvent): User => {
  switch (event.type) {
    case 'profile-created':
      return { ...user, status: 'active', profile: event.profile, createdAt: event.at }
    case 'profile-updated':
      return { ...user, profile: event.profile }
    case 'private-profile-updated':
      return { ...user, privateProfile: event.fields }
    case 'avatar-changed':
      return { ...user, avatarId: event.avatarId }
    case 'privacy-changed':
      return { ...user, privacy: event.privacy }
    case 'settings-changed':
      return { ...user, settings: event.settings }
    case 'export-requested':
      return user
    case 'erasure-requested':
      return { ...user, status: 'erasure-pending', erasureDueAt: event.dueAt }
    case 'erasure-cancelled':
      return { ...user, status: 'active', erasureDueAt: null }
    case 'erased':
      return { ...unknownUser, status: 'erased' }
    default:
      return event satisfies never
  }
}
