import {
  decideModeration,
  evolveModeration,
  type Moderated,
  type ModerationCommand,
  type ModerationEvent,
} from './moderation.ts'
import { Rejection } from './rejection.ts'
import { type Actor, type Visibility, visibleTo } from './visibility.ts'

/** A track can be announced for this long at most, ms. */
export const longestAnnouncement = 366 * 24 * 60 * 60 * 1000

/** What a track says of itself. */
export interface Details {
  readonly title: string
  readonly description: string
  readonly artist: string | null
  readonly genre: string | null
  readonly tags: readonly string[]
}

/** The file that was uploaded. */
export interface SourceFile {
  /** Of its content, 64 hexadecimal digits. */
  readonly sha256: string
  readonly bytes: number
  readonly filename: string
  /** Demuxer and codec, in FFmpeg's names. */
  readonly format: string
  readonly codec: string
}

/** What was made of it. */
export interface Stream {
  /** Prefix of its objects' keys. */
  readonly media: string
  readonly recipe: number
  readonly durationMs: number
  /** LUFS of the file; null for silence. */
  readonly loudness: number | null
  /** dBTP of the file; null for digital silence. */
  readonly truePeak: number | null
  /** dB that were added. */
  readonly gain: number
}

export type Priority = 'upload' | 'catalogue'

/** A track, folded from its events. */
export interface Track extends Details, Moderated {
  readonly id: string
  readonly ownerId: string
  readonly album: string | null
  readonly visibility: Visibility
  /** When it becomes public by itself; null: never. */
  readonly publishAt: Date | null
  /** Since when others find it without being told of it; null: they never did. */
  readonly publishedAt: Date | null
  /** Names the picture; null: there is none. */
  readonly cover: string | null
  readonly source: SourceFile
  readonly uploadedAt: Date
  /** The newest that could be made. */
  readonly stream: Stream | null
  /** The recipe that a stream is being made by; null: none is. */
  readonly wanted: number | null
  /** Why the last one could not be made. */
  readonly failure: string | null
  readonly deleted: boolean
}

export type Outcome =
  { readonly type: 'made'; readonly stream: Stream } | { readonly type: 'not-made'; readonly code: string }

export type TrackCommand =
  | {
      readonly type: 'upload'
      readonly id: string
      readonly ownerId: string
      readonly title: string
      readonly artist: string | null
      readonly album: string | null
      readonly genre: string | null
      readonly visibility: Visibility
      readonly source: SourceFile
      /** The picture that the file came with. */
      readonly cover: string | null
      readonly recipe: number
      readonly at: Date
    }
  | {
      readonly type: 'request-transcode'
      readonly recipe: number
      readonly priority: Priority
      readonly at: Date
    }
  | {
      readonly type: 'settle-transcode'
      readonly recipe: number
      readonly outcome: Outcome
      readonly at: Date
    }
  | {
      readonly type: 'edit'
      readonly actor: Actor
      readonly changes: Partial<Details> & {
        readonly visibility?: Visibility | undefined
        /** null: not by itself any more. */
        readonly publishAt?: Date | null | undefined
      }
      readonly at: Date
    }
  | {
      readonly type: 'change-cover'
      readonly actor: Actor
      readonly cover: string | null
      readonly at: Date
    }
  /** Its time may have come. */
  | { readonly type: 'publish-due'; readonly at: Date }
  | ModerationCommand
  | { readonly type: 'delete'; readonly actor: Actor; readonly at: Date }

interface Happened {
  readonly trackId: string
  readonly ownerId: string
  readonly at: Date
}

export type TrackEvent = Happened &
  (
    | {
        readonly type: 'uploaded'
        readonly title: string
        readonly artist: string | null
        readonly album: string | null
        readonly genre: string | null
        readonly visibility: Visibility
        readonly source: SourceFile
      }
    | {
        readonly type: 'transcode-requested'
        readonly sha256: string
        readonly recipe: number
        readonly priority: Priority
      }
    /** `again`: there was a stream before, which was heard until now, or goes on being heard. */
    | { readonly type: 'made-ready'; readonly stream: Stream; readonly again: boolean }
    | { readonly type: 'failed'; readonly code: string; readonly again: boolean }
    | { readonly type: 'edited'; readonly details: Details }
    | { readonly type: 'cover-changed'; readonly cover: string | null }
    | { readonly type: 'visibility-changed'; readonly visibility: Visibility }
    | { readonly type: 'publication-scheduled'; readonly publishAt: Date | null }
    | ModerationEvent
    | { readonly type: 'deleted'; readonly deletedBy: string }
  )

/** How far a track is, for its listeners: one that is made again by a newer recipe stays ready meanwhile. */
export const statusOf = ({
  stream,
  wanted,
}: Pick<Track, 'stream' | 'wanted'>): 'processing' | 'ready' | 'failed' => {
  if (stream !== null) return 'ready'
  return wanted !== null ? 'processing' : 'failed'
}

const sameDetails = (a: Details, b: Details): boolean =>
  a.title === b.title &&
  a.description === b.description &&
  a.artist === b.artist &&
  a.genre === b.genre &&
  a.tags.length === b.tags.length &&
  a.tags.every((tag, index) => tag === b.tags[index])

const detailsOf = ({ title, description, artist, genre, tags }: Details): Details => ({
  ...{ title, description, artist, genre, tags },
})

const assertAnnounceable = (visibility: Visibility, publishAt: Date, at: Date): void => {
  if (visibility === 'public') throw new Rejection('already-public')
  const ahead = publishAt.getTime() - at.getTime()
  if (ahead <= 0 || ahead > longestAnnouncement) throw new Rejection('publish-time')
}

/** Pure. No event: nothing to do, the track is already as the command wants it. */
export const decide = (command: TrackCommand, track: Track | undefined): TrackEvent[] => {
  const { at } = command
  if (command.type === 'upload') {
    // The same upload, finished once more after a crash.
    if (track !== undefined) return []
    const { id: trackId, ownerId, title, artist, album, genre, visibility, source, cover, recipe } = command
    return [
      { type: 'uploaded', trackId, ownerId, title, artist, album, genre, visibility, source, at },
      ...(cover === null ? [] : [{ type: 'cover-changed' as const, trackId, ownerId, cover, at }]),
      {
        type: 'transcode-requested',
        trackId,
        ownerId,
        sha256: source.sha256,
        recipe,
        priority: 'upload',
        at,
      },
    ]
  }
  if (track === undefined) throw new Rejection('track-not-found')
  const about = { trackId: track.id, ownerId: track.ownerId, at }
  switch (command.type) {
    case 'request-transcode': {
      const { recipe, priority } = command
      if (track.deleted || track.wanted === recipe || track.stream?.recipe === recipe) return []
      return [{ type: 'transcode-requested', ...about, sha256: track.source.sha256, recipe, priority }]
    }
    case 'settle-transcode': {
      const { recipe, outcome } = command
      // Deleted, or asked for by another recipe meanwhile: nobody waits for this one any more.
      if (track.deleted || track.wanted !== recipe) return []
      const again = track.stream !== null
      return outcome.type === 'made'
        ? [{ type: 'made-ready', ...about, stream: outcome.stream, again }]
        : [{ type: 'failed', ...about, code: outcome.code, again }]
    }
    case 'edit': {
      const { actor, changes } = command
      visibleTo(track, actor)
      if (track.ownerId !== actor.userId) throw new Rejection('not-owner')
      const { visibility = track.visibility, publishAt, ...wanted } = changes
      const details = detailsOf({ ...track, ...wanted })
      const events: TrackEvent[] = []
      if (!sameDetails(details, track)) events.push({ type: 'edited', ...about, details })
      if (visibility !== track.visibility) events.push({ type: 'visibility-changed', ...about, visibility })
      if (publishAt !== undefined && publishAt?.getTime() !== track.publishAt?.getTime()) {
        if (publishAt !== null) assertAnnounceable(visibility, publishAt, at)
        events.push({ type: 'publication-scheduled', ...about, publishAt })
      }
      return events
    }
    case 'change-cover': {
      const { actor, cover } = command
      visibleTo(track, actor)
      if (track.ownerId !== actor.userId) throw new Rejection('not-owner')
      return cover === track.cover ? [] : [{ type: 'cover-changed', ...about, cover }]
    }
    case 'publish-due':
      if (track.deleted || track.publishAt === null || track.publishAt > at) return []
      return [{ type: 'visibility-changed', ...about, visibility: 'public' }]
    case 'report':
    case 'dismiss-reports':
    case 'take-down':
    case 'restore':
      return decideModeration(command, track).map((event) => ({ ...about, ...event }))
    case 'delete': {
      const { actor } = command
      if (track.deleted && track.ownerId === actor.userId) return []
      visibleTo(track, actor)
      if (track.ownerId !== actor.userId && !actor.moderator) throw new Rejection('not-owner')
      return [{ type: 'deleted', ...about, deletedBy: actor.userId }]
    }
    default:
      return command satisfies never
  }
}

/** Is it of a kind that others find by themselves? */
const isAnnounced = (visibility: Visibility): boolean => visibility === 'public' || visibility === 'followers'

/** Pure. A stream's first event is `uploaded`; what comes before it, and after `deleted`, changes nothing. */
export const evolve = (track: Track | undefined, event: TrackEvent): Track | undefined => {
  if (event.type === 'uploaded') {
    const { trackId: id, ownerId, title, artist, album, genre, visibility, source, at: uploadedAt } = event
    return {
      ...{ id, ownerId, title, artist, album, genre, visibility, source, uploadedAt },
      ...{
        description: '',
        tags: [],
        publishAt: null,
        publishedAt: isAnnounced(visibility) ? uploadedAt : null,
        takenDown: null,
        reported: false,
        cover: null,
        stream: null,
        wanted: null,
        failure: null,
        deleted: false,
      },
    }
  }
  if (track === undefined) return undefined
  switch (event.type) {
    case 'transcode-requested':
      return { ...track, wanted: event.recipe }
    case 'made-ready':
      return { ...track, stream: event.stream, wanted: null, failure: null }
    case 'failed':
      // What can be heard has not failed, whatever became of making it anew.
      return { ...track, wanted: null, failure: event.again ? null : event.code }
    case 'edited':
      return { ...track, ...event.details }
    case 'cover-changed':
      return { ...track, cover: event.cover }
    case 'visibility-changed':
      return {
        ...track,
        visibility: event.visibility,
        publishAt: event.visibility === 'public' ? null : track.publishAt,
        publishedAt: track.publishedAt ?? (isAnnounced(event.visibility) ? event.at : null),
      }
    case 'publication-scheduled':
      return { ...track, publishAt: event.publishAt }
    case 'reported':
    case 'reports-dismissed':
    case 'taken-down':
    case 'restored':
      return { ...track, ...evolveModeration(event) }
    case 'deleted':
      return { ...track, deleted: true }
    default:
      return event satisfies never
  }
}
