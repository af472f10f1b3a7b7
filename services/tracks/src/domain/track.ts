import { Rejection } from './rejection.ts'

/**
 * `public`: whoever is signed in finds and hears it. `unlisted`: whoever knows its id. `private`: to others it does not
 * exist.
 */
export type Visibility = 'public' | 'unlisted' | 'private'

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
export interface Track extends Details {
  readonly id: string
  readonly ownerId: string
  readonly album: string | null
  readonly visibility: Visibility
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

/** Who asks: their own id, and whether they moderate. */
export interface Actor {
  readonly userId: string
  readonly moderator: boolean
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
      readonly visibility: Visibility
      readonly source: SourceFile
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
      readonly changes: Partial<Details> & { readonly visibility?: Visibility | undefined }
      readonly at: Date
    }
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
        readonly visibility: Visibility
        readonly source: SourceFile
      }
    | {
        readonly type: 'transcode-requested'
        readonly sha256: string
        readonly recipe: number
        readonly priority: Priority
      }
    | { readonly type: 'made-ready'; readonly stream: Stream }
    | { readonly type: 'failed'; readonly code: string }
    | { readonly type: 'edited'; readonly details: Details }
    | { readonly type: 'visibility-changed'; readonly visibility: Visibility }
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

/** A track that the actor may know of. @throws Rejection that does not tell whether there is one */
export const visibleTo = <T extends Pick<Track, 'ownerId' | 'visibility'> & { readonly deleted?: boolean }>(
  track: T | undefined,
  { userId, moderator }: Actor,
): T => {
  const hidden =
    track === undefined ||
    track.deleted === true ||
    (track.visibility === 'private' && track.ownerId !== userId && !moderator)
  if (hidden) throw new Rejection('track-not-found')
  return track
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

/** Pure. No event: nothing to do, the track is already as the command wants it. */
export const decide = (command: TrackCommand, track: Track | undefined): TrackEvent[] => {
  const { at } = command
  if (command.type === 'upload') {
    // The same upload, finished once more after a crash.
    if (track !== undefined) return []
    const { id: trackId, ownerId, title, artist, album, visibility, source, recipe } = command
    return [
      { type: 'uploaded', trackId, ownerId, title, artist, album, visibility, source, at },
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
      return outcome.type === 'made'
        ? [{ type: 'made-ready', ...about, stream: outcome.stream }]
        : [{ type: 'failed', ...about, code: outcome.code }]
    }
    case 'edit': {
      const { actor, changes } = command
      visibleTo(track, actor)
      if (track.ownerId !== actor.userId) throw new Rejection('not-owner')
      const { visibility = track.visibility, ...wanted } = changes
      const details = detailsOf({ ...track, ...wanted })
      return [
        ...(sameDetails(details, track) ? [] : [{ type: 'edited' as const, ...about, details }]),
        ...(visibility === track.visibility
          ? []
          : [{ type: 'visibility-changed' as const, ...about, visibility }]),
      ]
    }
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

/** Pure. A stream's first event is `uploaded`; what comes before it, and after `deleted`, changes nothing. */
export const evolve = (track: Track | undefined, event: TrackEvent): Track | undefined => {
  if (event.type === 'uploaded') {
    const { trackId: id, ownerId, title, artist, album, visibility, source, at: uploadedAt } = event
    return {
      ...{ id, ownerId, title, artist, album, visibility, source, uploadedAt },
      ...{
        description: '',
        genre: null,
        tags: [],
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
      return { ...track, wanted: null, failure: event.code }
    case 'edited':
      return { ...track, ...event.details }
    case 'visibility-changed':
      return { ...track, visibility: event.visibility }
    case 'deleted':
      return { ...track, deleted: true }
    default:
      return event satisfies never
  }
}
