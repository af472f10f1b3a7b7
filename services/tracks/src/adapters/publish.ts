import { type topics } from '@veza/contracts'
import { type NewEvent, type StoredEvent } from '@veza/kit/events'
import { type Priority, type TrackEvent, type Visibility } from '../domain/track.ts'

type Topic = typeof topics.tracksEvents

/** Domain event to contract record: the only place that knows both. `toEvent` is its inverse. */
export const toRecord = (event: TrackEvent): NewEvent<Topic> => {
  const { trackId, ownerId } = event
  const about = { trackId, ownerId }
  const at = event.at.getTime()
  switch (event.type) {
    case 'uploaded': {
      const { title, artist, album, visibility } = event
      const { sha256: source, bytes, filename, format, codec } = event.source
      return {
        type: 'TrackUploaded',
        value: {
          ...about,
          title,
          artist,
          album,
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
      return { type: 'TrackReady', value: { ...about, ...event.stream, readyAt: at } }
    case 'failed':
      return { type: 'TrackFailed', value: { ...about, code: event.code, failedAt: at } }
    case 'edited':
      return { type: 'TrackEdited', value: { ...about, ...event.details, editedAt: at } }
    case 'visibility-changed':
      return {
        type: 'TrackVisibilityChanged',
        value: { ...about, visibility: event.visibility, changedAt: at },
      }
    case 'deleted':
      return { type: 'TrackDeleted', value: { ...about, deletedBy: event.deletedBy, deletedAt: at } }
    default:
      return event satisfies never
  }
}

const visibilityOf = (text: string): Visibility =>
  text === 'public' || text === 'unlisted' ? text : 'private'

const priorityOf = (text: string): Priority => (text === 'upload' ? 'upload' : 'catalogue')

export const toEvent = (stored: StoredEvent<Topic>): TrackEvent => {
  const { trackId, ownerId } = stored.value
  const about = { trackId, ownerId }
  switch (stored.type) {
    case 'TrackUploaded': {
      const { title, artist, album, visibility, source: sha256, uploadedAt } = stored.value
      const { bytes, filename, format, codec } = stored.value
      return {
        ...{ type: 'uploaded', ...about, title, artist, album, visibility: visibilityOf(visibility) },
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
      const { media, recipe, durationMs, loudness, truePeak, gain, readyAt } = stored.value
      const stream = { media, recipe, durationMs, loudness, truePeak, gain }
      return { type: 'made-ready', ...about, stream, at: new Date(readyAt) }
    }
    case 'TrackFailed':
      return { type: 'failed', ...about, code: stored.value.code, at: new Date(stored.value.failedAt) }
    case 'TrackEdited': {
      const { title, description, artist, genre, tags, editedAt } = stored.value
      return {
        type: 'edited',
        ...about,
        details: { title, description, artist, genre, tags },
        at: new Date(editedAt),
      }
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
    case 'TrackDeleted': {
      const { deletedBy, deletedAt } = stored.value
      return { type: 'deleted', ...about, deletedBy, at: new Date(deletedAt) }
    }
    default:
      return stored satisfies never
  }
}
