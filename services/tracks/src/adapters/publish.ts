import { type topics } from '@veza/contracts'
import { type NewEvent, type StoredEvent } from '@veza/kit/events'
import { type PlaylistEvent } from '../domain/playlist.ts'
import { type ReportReason, reportReasons } from '../domain/moderation.ts'
import { type Priority, type TrackEvent } from '../domain/track.ts'
import { visibilities, type Visibility } from '../domain/visibility.ts'

type Topic = typeof topics.tracksEvents

/** Domain event to contract record: the only place that knows both. `trackEvents` is its inverse. */
export const trackRecord = (event: TrackEvent): NewEvent<Topic> => {
  const { trackId, ownerId } = event
  const about = { trackId, ownerId }
  const at = event.at.getTime()
  switch (event.type) {
    case 'uploaded': {
      const { title, artist, album, genre, visibility } = event
      const { sha256: source, bytes, filename, format, codec } = event.source
      return {
        type: 'TrackUploaded',
        value: {
          ...about,
          title,
          artist,
          album,
          genre,
          visibility,
          source,
          bytes,
          filename,
          format,
          codec,
          uploadedAt: at,
        },
      }
    }
    case 'transcode-requested': {
      const { sha256: source, recipe, priority } = event
      return { type: 'TranscodeRequested', value: { ...about, source, recipe, priority, requestedAt: at } }
    }
    case 'made-ready':
      return { type: 'TrackReady', value: { ...about, ...event.stream, readyAt: at, again: event.again } }
    case 'failed':
      return { type: 'TrackFailed', value: { ...about, code: event.code, failedAt: at, again: event.again } }
    case 'edited':
      return { type: 'TrackEdited', value: { ...about, ...event.details, editedAt: at } }
    case 'cover-changed':
      return { type: 'TrackCoverChanged', value: { ...about, coverId: event.cover, changedAt: at } }
    case 'visibility-changed':
      return {
        type: 'TrackVisibilityChanged',
        value: { ...about, visibility: event.visibility, changedAt: at },
      }
    case 'publication-scheduled': {
      const publishAt = event.publishAt?.getTime() ?? null
      return { type: 'TrackPublicationScheduled', value: { ...about, publishAt, scheduledAt: at } }
    }
    case 'reported': {
      const { reporterId, reason } = event
      return { type: 'TrackReported', value: { ...about, reporterId, reason, reportedAt: at } }
    }
    case 'reports-dismissed': {
      const { moderatorId, note } = event
      return { type: 'TrackReportsDismissed', value: { ...about, moderatorId, note, dismissedAt: at } }
    }
    case 'taken-down': {
      const { moderatorId, reason } = event
      return { type: 'TrackTakenDown', value: { ...about, moderatorId, reason, takenDownAt: at } }
    }
    case 'restored':
      return {
        type: 'TrackRestored',
        value: { ...about, moderatorId: event.moderatorId, restoredAt: at },
      }
    case 'deleted':
      return { type: 'TrackDeleted', value: { ...about, deletedBy: event.deletedBy, deletedAt: at } }
    default:
      return event satisfies never
  }
}

/** What is not known is taken to be private: a newer version of this code wrote it. */
const visibilityOf = (text: string): Visibility => visibilities.find((known) => known === text) ?? 'private'

const priorityOf = (text: string): Priority => (text === 'upload' ? 'upload' : 'catalogue')

const reasonOf = (text: string): ReportReason => reportReasons.find((known) => known === text) ?? 'other'

const trackEvent = (stored: StoredEvent<Topic>): TrackEvent | undefined => {
  if (!('trackId' in stored.value)) return undefined
  const { trackId, ownerId } = stored.value
  const about = { trackId, ownerId }
  switch (stored.type) {
    case 'TrackUploaded': {
      const { title, artist, album, genre, visibility, source: sha256, uploadedAt } = stored.value
      const { bytes, filename, format, codec } = stored.value
      return {
        ...{ type: 'uploaded', ...about, title, artist, album, genre, visibility: visibilityOf(visibility) },
        source: { sha256, bytes, filename, format, codec },
        at: new Date(uploadedAt),
      }
    }
    case 'TranscodeRequested': {
      const { source: sha256, recipe, priority, requestedAt } = stored.value
      const at = new Date(requestedAt)
      return { type: 'transcode-requested', ...about, sha256, recipe, priority: priorityOf(priority), at }
    }
    case 'TrackReady': {
      const { media, recipe, durationMs, loudness, truePeak, gain, readyAt, again } = stored.value
      const stream = { media, recipe, durationMs, loudness, truePeak, gain }
      return { type: 'made-ready', ...about, stream, again, at: new Date(readyAt) }
    }
    case 'TrackFailed': {
      const { code, failedAt, again } = stored.value
      return { type: 'failed', ...about, code, again, at: new Date(failedAt) }
    }
    case 'TrackEdited': {
      const { title, description, artist, genre, tags, editedAt } = stored.value
      return {
        type: 'edited',
        ...about,
        details: { title, description, artist, genre, tags },
        at: new Date(editedAt),
      }
    }
    case 'TrackCoverChanged': {
      const { coverId: cover, changedAt } = stored.value
      return { type: 'cover-changed', ...about, cover, at: new Date(changedAt) }
    }
    case 'TrackVisibilityChanged': {
      const { visibility, changedAt } = stored.value
      return {
        type: 'visibility-changed',
        ...about,
        visibility: visibilityOf(visibility),
        at: new Date(changedAt),
      }
    }
    case 'TrackPublicationScheduled': {
      const { publishAt, scheduledAt } = stored.value
      return {
        ...{ type: 'publication-scheduled', ...about, at: new Date(scheduledAt) },
        publishAt: publishAt === null ? null : new Date(publishAt),
      }
    }
    case 'TrackReported': {
      const { reporterId, reason, reportedAt } = stored.value
      return { type: 'reported', ...about, reporterId, reason: reasonOf(reason), at: new Date(reportedAt) }
    }
    case 'TrackReportsDismissed': {
      const { moderatorId, note, dismissedAt } = stored.value
      return { type: 'reports-dismissed', ...about, moderatorId, note, at: new Date(dismissedAt) }
    }
    case 'TrackTakenDown': {
      const { moderatorId, reason, takenDownAt } = stored.value
      const at = new Date(takenDownAt)
      return { type: 'taken-down', ...about, moderatorId, reason: reasonOf(reason), at }
    }
    case 'TrackRestored': {
      const { moderatorId, restoredAt } = stored.value
      return { type: 'restored', ...about, moderatorId, at: new Date(restoredAt) }
    }
    case 'TrackDeleted': {
      const { deletedBy, deletedAt } = stored.value
      return { type: 'deleted', ...about, deletedBy, at: new Date(deletedAt) }
    }
    default:
      return undefined
  }
}

/** What a track's stream holds; records of the other kind of stream are left out. */
export const trackEvents = (stored: readonly StoredEvent<Topic>[]): TrackEvent[] =>
  stored.flatMap((one) => trackEvent(one) ?? [])

/** Domain event to contract record. `playlistEvents` is its inverse. */
export const playlistRecord = (event: PlaylistEvent): NewEvent<Topic> => {
  const { playlistId, ownerId } = event
  const about = { playlistId, ownerId }
  const at = event.at.getTime()
  switch (event.type) {
    case 'created':
      return { type: 'PlaylistCreated', value: { ...about, ...event.details, createdAt: at } }
    case 'edited':
      return { type: 'PlaylistEdited', value: { ...about, ...event.details, editedAt: at } }
    case 'tracks-changed':
      return {
        type: 'PlaylistTracksChanged',
        value: { ...about, trackIds: [...event.trackIds], changedAt: at },
      }
    case 'deleted':
      return { type: 'PlaylistDeleted', value: { ...about, deletedAt: at } }
    default:
      return event satisfies never
  }
}

const playlistEvent = (stored: StoredEvent<Topic>): PlaylistEvent | undefined => {
  if (!('playlistId' in stored.value)) return undefined
  const { playlistId, ownerId } = stored.value
  const about = { playlistId, ownerId }
  switch (stored.type) {
    case 'PlaylistCreated':
    case 'PlaylistEdited': {
      const { title, description, visibility } = stored.value
      const details = { title, description, visibility: visibilityOf(visibility) }
      return stored.type === 'PlaylistCreated'
        ? { type: 'created', ...about, details, at: new Date(stored.value.createdAt) }
        : { type: 'edited', ...about, details, at: new Date(stored.value.editedAt) }
    }
    case 'PlaylistTracksChanged': {
      const { trackIds, changedAt } = stored.value
      return { type: 'tracks-changed', ...about, trackIds, at: new Date(changedAt) }
    }
    case 'PlaylistDeleted':
      return { type: 'deleted', ...about, at: new Date(stored.value.deletedAt) }
    default:
      return undefined
  }
}

/** What a playlist's stream holds; records of the other kind of stream are left out. */
export const playlistEvents = (stored: readonly StoredEvent<Topic>[]): PlaylistEvent[] =>
  stored.flatMap((one) => playlistEvent(one) ?? [])
