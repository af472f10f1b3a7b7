import { type EventMetadata } from '@veza/kit/events'
import { type Playlists } from '../adapters/playlists.ts'
import { type PlaylistCommand } from '../domain/playlist.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Actor } from '../domain/visibility.ts'

const added = (command: PlaylistCommand): readonly string[] => {
  if (command.type === 'put-track') return [command.trackId]
  return command.type === 'set-tracks' ? command.trackIds : []
}

/**
 * Makes or changes a playlist. What comes into it must be a track that its owner may know of; what is in it already stays,
 * whatever became of it. Throws Rejection; rejects VersionConflict where a version was expected.
 */
export const changePlaylist =
  (deps: {
    playlists: Playlists
    /** Those of them that the actor may know of. */
    knownTracks: (trackIds: readonly string[], actor: Actor) => Promise<readonly string[]>
    /** None of a playlist that is not there. */
    tracksOf: (playlistId: string) => Promise<readonly string[]>
    isErased: (userId: string) => Promise<boolean>
  }) =>
  async (
    playlistId: string,
    command: PlaylistCommand,
    options: { metadata: EventMetadata; expectedVersion?: number | undefined },
  ): Promise<void> => {
    const wanted = added(command)
    if (wanted.length > 0) {
      const present = new Set(await deps.tracksOf(playlistId))
      const fresh = [...new Set(wanted)].filter((id) => !present.has(id))
      const actor = { userId: command.actorId, moderator: false }
      const known = await deps.knownTracks(fresh, actor)
      if (known.length < fresh.length) throw new Rejection('track-not-found')
    }
    await deps.playlists.execute(playlistId, command, options)
    if (command.type === 'create' && (await deps.isErased(command.actorId))) {
      const { actorId, at } = command
      await deps.playlists.execute(playlistId, { type: 'delete', actorId, at }, options)
      throw new Rejection('user-erased')
    }
  }
