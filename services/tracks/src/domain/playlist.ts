import { Rejection } from './rejection.ts'
import { type Visibility } from './visibility.ts'

/** Tracks in one playlist at most. */
export const mostTracks = 500

/** What a playlist says of itself. */
export interface PlaylistDetails {
  readonly title: string
  readonly description: string
  readonly visibility: Visibility
}

/** A playlist, folded from its events. */
export interface Playlist extends PlaylistDetails {
  readonly id: string
  readonly ownerId: string
  /** In their order, each once. Some may be gone, or not be for every listener. */
  readonly trackIds: readonly string[]
  readonly createdAt: Date
  readonly changedAt: Date
  readonly deleted: boolean
}

interface ByActor {
  readonly actorId: string
  readonly at: Date
}

export type PlaylistCommand =
  | (ByActor & { readonly type: 'create'; readonly id: string; readonly details: PlaylistDetails })
  | (ByActor & { readonly type: 'edit'; readonly changes: Partial<PlaylistDetails> })
  /** All of its tracks, in their new order. */
  | (ByActor & { readonly type: 'set-tracks'; readonly trackIds: readonly string[] })
  /** Before the track that is at this position now; without one, at the end. One that is in it moves. */
  | (ByActor & {
      readonly type: 'put-track'
      readonly trackId: string
      readonly position?: number | undefined
    })
  | (ByActor & { readonly type: 'remove-track'; readonly trackId: string })
  | (ByActor & { readonly type: 'delete' })

interface Happened {
  readonly playlistId: string
  readonly ownerId: string
  readonly at: Date
}

export type PlaylistEvent = Happened &
  (
    | { readonly type: 'created'; readonly details: PlaylistDetails }
    | { readonly type: 'edited'; readonly details: PlaylistDetails }
    | { readonly type: 'tracks-changed'; readonly trackIds: readonly string[] }
    | { readonly type: 'deleted' }
  )

const detailsOf = ({ title, description, visibility }: PlaylistDetails): PlaylistDetails => ({
  ...{ title, description, visibility },
})

const sameDetails = (a: PlaylistDetails, b: PlaylistDetails): boolean =>
  a.title === b.title && a.description === b.description && a.visibility === b.visibility

const tracksAfter = (
  command: Extract<PlaylistCommand, { type: 'set-tracks' | 'put-track' | 'remove-track' }>,
  trackIds: readonly string[],
): readonly string[] => {
  if (command.type === 'set-tracks') return [...new Set(command.trackIds)]
  const { trackId } = command
  const others = trackIds.filter((id) => id !== trackId)
  return command.type === 'remove-track'
    ? others
    : others.toSpliced(command.position ?? others.length, 0, trackId)
}

/** Pure. No event: nothing to do. To others than its owner a playlist of theirs is one that can't be changed. */
export const decidePlaylist = (command: PlaylistCommand, playlist: Playlist | undefined): PlaylistEvent[] => {
  const { at, actorId } = command
  if (command.type === 'create') {
    if (playlist !== undefined) return []
    return [{ type: 'created', playlistId: command.id, ownerId: actorId, details: command.details, at }]
  }
  if (playlist === undefined || playlist.ownerId !== actorId) throw new Rejection('playlist-not-found')
  const about = { playlistId: playlist.id, ownerId: playlist.ownerId, at }
  if (command.type === 'delete') return playlist.deleted ? [] : [{ type: 'deleted', ...about }]
  if (playlist.deleted) throw new Rejection('playlist-not-found')
  if (command.type === 'edit') {
    const details = detailsOf({ ...playlist, ...command.changes })
    return sameDetails(details, playlist) ? [] : [{ type: 'edited', ...about, details }]
  }
  const trackIds = tracksAfter(command, playlist.trackIds)
  if (trackIds.length > mostTracks) throw new Rejection('playlist-full')
  const same =
    trackIds.length === playlist.trackIds.length &&
    trackIds.every((id, index) => id === playlist.trackIds[index])
  return same ? [] : [{ type: 'tracks-changed', ...about, trackIds }]
}

/** Pure. */
export const evolvePlaylist = (
  playlist: Playlist | undefined,
  event: PlaylistEvent,
): Playlist | undefined => {
  if (event.type === 'created') {
    const { playlistId: id, ownerId, details, at } = event
    return { id, ownerId, ...details, trackIds: [], createdAt: at, changedAt: at, deleted: false }
  }
  if (playlist === undefined) return undefined
  const changedAt = event.at
  switch (event.type) {
    case 'edited':
      return { ...playlist, ...event.details, changedAt }
    case 'tracks-changed':
      return { ...playlist, trackIds: event.trackIds, changedAt }
    case 'deleted':
      return { ...playlist, deleted: true, changedAt }
    default:
      return event satisfies never
  }
}
