import { type RecordOf, topics } from '@veza/contracts'
import { type EndReason, type PairEvent } from '../domain/pair.ts'
import {
  type Privacy,
  type PrivateProfile,
  type Profile,
  type Settings,
  unknownUser,
  type UserEvent,
} from '../domain/user.ts'
import { type PersonalData, type SealedDocument } from './personal-data.ts'

export const usersTopic = topics.usersEvents

/** A record of users.events.v1. */
export type UsersRecord = RecordOf<typeof usersTopic>

/** Domain event to contract record. */
const userRecord = async (personal: PersonalData, userId: string, event: UserEvent): Promise<UsersRecord> => {
  const time = event.at.getTime()
  switch (event.type) {
    case 'profile-created': {
      const profile = await personal.seal(userId, 'profile', event.profile)
      return { type: 'ProfileCreated', value: { userId, profile, createdAt: time } }
    }
    case 'profile-updated': {
      const profile = await personal.seal(userId, 'profile', event.profile)
      return {
        type: 'ProfileUpdated',
        value: { userId, profile, changed: [...event.changed], updatedAt: time },
      }
    }
    case 'private-profile-updated': {
      const fields = await personal.seal(userId, 'private-profile', event.fields)
      return { type: 'PrivateProfileUpdated', value: { userId, fields, updatedAt: time } }
    }
    case 'avatar-changed':
      return { type: 'AvatarChanged', value: { userId, avatarId: event.avatarId, changedAt: time } }
    case 'privacy-changed':
      return { type: 'PrivacyChanged', value: { userId, ...event.privacy, changedAt: time } }
    case 'settings-changed': {
      const settings = await personal.seal(userId, 'settings', event.settings)
      return { type: 'SettingsChanged', value: { userId, settings, changedAt: time } }
    }
    case 'export-requested':
      return { type: 'DataExportRequested', value: { userId, exportId: event.exportId, requestedAt: time } }
    case 'erasure-requested':
      return {
        type: 'ErasureRequested',
        value: { userId, dueAt: event.dueAt.getTime(), requestedAt: time },
      }
    case 'erasure-cancelled':
      return { type: 'ErasureCancelled', value: { userId, cancelledAt: time } }
    case 'erased':
      return { type: 'UserErased', value: { userId, erasedAt: time } }
    default:
      return event satisfies never
  }
}

/** Domain events of one person to contract records: what they say of the person is sealed. Rejects SubjectErased. */
export const userRecords =
  (personal: PersonalData, userId: string) =>
  (events: readonly UserEvent[]): Promise<UsersRecord[]> =>
    Promise.all(events.map((event) => userRecord(personal, userId, event)))

/** Domain event to contract record. */
export const pairRecord = (event: PairEvent): UsersRecord => {
  const time = event.at.getTime()
  switch (event.type) {
    case 'follow-requested':
    case 'follow-started': {
      const { followerId, followeeId } = event
      return event.type === 'follow-requested'
        ? { type: 'FollowRequested', value: { followerId, followeeId, requestedAt: time } }
        : { type: 'FollowStarted', value: { followerId, followeeId, startedAt: time } }
    }
    case 'follow-ended': {
      const { followerId, followeeId, reason } = event
      return { type: 'FollowEnded', value: { followerId, followeeId, reason, endedAt: time } }
    }
    case 'blocked': {
      const { blockerId, blockedId } = event
      return { type: 'UserBlocked', value: { blockerId, blockedId, blockedAt: time } }
    }
    case 'unblocked': {
      const { blockerId, blockedId } = event
      return { type: 'UserUnblocked', value: { blockerId, blockedId, unblockedAt: time } }
    }
    default:
      return event satisfies never
  }
}

const blankDocument = { ...unknownUser.profile, ...unknownUser.privateProfile, ...unknownUser.settings }

const sealedIn = (record: UsersRecord): SealedDocument | undefined => {
  switch (record.type) {
    case 'ProfileCreated':
    case 'ProfileUpdated':
      return { userId: record.value.userId, name: 'profile', sealed: record.value.profile }
    case 'PrivateProfileUpdated':
      return { userId: record.value.userId, name: 'private-profile', sealed: record.value.fields }
    case 'SettingsChanged':
      return { userId: record.value.userId, name: 'settings', sealed: record.value.settings }
    default:
      return undefined
  }
}

/** `document` is what the record seals, where it seals one. */
const userEvent = (record: UsersRecord, document: unknown): UserEvent | undefined => {
  switch (record.type) {
    case 'ProfileCreated':
      return { type: 'profile-created', profile: document as Profile, at: new Date(record.value.createdAt) }
    case 'ProfileUpdated': {
      const { changed, updatedAt } = record.value
      return {
        type: 'profile-updated',
        profile: document as Profile,
        changed: changed as (keyof Profile)[],
        at: new Date(updatedAt),
      }
    }
    case 'PrivateProfileUpdated':
      return {
        type: 'private-profile-updated',
        fields: document as PrivateProfile,
        at: new Date(record.value.updatedAt),
      }
    case 'AvatarChanged':
      return {
        type: 'avatar-changed',
        avatarId: record.value.avatarId,
        at: new Date(record.value.changedAt),
      }
    case 'PrivacyChanged': {
      const { approveFollowers, searchable, followsVisibleTo, changedAt } = record.value
      const visibleTo = followsVisibleTo as Privacy['followsVisibleTo']
      return {
        type: 'privacy-changed',
        privacy: { approveFollowers, searchable, followsVisibleTo: visibleTo },
        at: new Date(changedAt),
      }
    }
    case 'SettingsChanged':
      return {
        type: 'settings-changed',
        settings: document as Settings,
        at: new Date(record.value.changedAt),
      }
    case 'DataExportRequested':
      return {
        type: 'export-requested',
        exportId: record.value.exportId,
        at: new Date(record.value.requestedAt),
      }
    case 'ErasureRequested': {
      const { dueAt, requestedAt } = record.value
      return { type: 'erasure-requested', dueAt: new Date(dueAt), at: new Date(requestedAt) }
    }
    case 'ErasureCancelled':
      return { type: 'erasure-cancelled', at: new Date(record.value.cancelledAt) }
    case 'UserErased':
      return { type: 'erased', at: new Date(record.value.erasedAt) }
    default:
      return undefined
  }
}

/** A record as it came, from the topic or from the store. */
export interface Seen {
  readonly record: UsersRecord
  /** Place in its stream, from 1. */
  readonly version: number
}

/**
 * Those whose document a later one of them has anew. Nobody needs to open these, and whoever folds a long stream, or reads
 * all there ever was, meets more of them than of others. What creates a profile says more than its document.
 */
const replacedIn = (seen: readonly Seen[]): ReadonlySet<Seen> => {
  const newest = new Map<string, Seen>()
  const replaced = new Set<Seen>()
  for (const one of seen) {
    const document = sealedIn(one.record)
    if (document === undefined || one.record.type === 'ProfileCreated') continue
    const key = `${document.name} ${document.userId}`
    const other = newest.get(key)
    if (other === undefined || other.version <= one.version) newest.set(key, one)
    if (other !== undefined) replaced.add(other.version <= one.version ? other : one)
  }
  return replaced
}

/**
 * The other way, all that is sealed opened in one go. What was erased by now is left out: the event that erased it is
 * among those that follow. So is what a later one of the records says anew, and records of pairs.
 *
 * @returns an event a record, in order; undefined where there is none
 */
export const userEvents = async (
  personal: PersonalData,
  seen: readonly Seen[],
): Promise<(UserEvent | undefined)[]> => {
  const replaced = replacedIn(seen)
  const sealed = seen.flatMap((one, index) => {
    const document = replaced.has(one) ? undefined : sealedIn(one.record)
    return document === undefined ? [] : [{ ...document, index }]
  })
  const opened = await personal.open(sealed)
  const documents = new Map(sealed.map(({ index }, at) => [index, opened[at]]))
  return seen.map((one, index) =>
    replaced.has(one) || (documents.has(index) && documents.get(index) === undefined)
      ? undefined
      : userEvent(one.record, documents.get(index)),
  )
}

/** The same without opening anything: what the documents say is left blank. For whoever asks what a person allows. */
export const unopenedUserEvents = (records: readonly UsersRecord[]): UserEvent[] =>
  records.flatMap((record) => userEvent(record, blankDocument) ?? [])

/** The other way. Records of persons are undefined. */
export const pairEvent = (record: UsersRecord): PairEvent | undefined => {
  switch (record.type) {
    case 'FollowRequested': {
      const { requestedAt, ...ids } = record.value
      return { type: 'follow-requested', ...ids, at: new Date(requestedAt) }
    }
    case 'FollowStarted': {
      const { startedAt, ...ids } = record.value
      return { type: 'follow-started', ...ids, at: new Date(startedAt) }
    }
    case 'FollowEnded': {
      const { endedAt, reason, ...ids } = record.value
      return { type: 'follow-ended', ...ids, reason: reason as EndReason, at: new Date(endedAt) }
    }
    case 'UserBlocked': {
      const { blockedAt, ...ids } = record.value
      return { type: 'blocked', ...ids, at: new Date(blockedAt) }
    }
    case 'UserUnblocked': {
      const { unblockedAt, ...ids } = record.value
      return { type: 'unblocked', ...ids, at: new Date(unblockedAt) }
    }
    default:
      return undefined
  }
}
