import { type Codec, topics } from '@veza/contracts'
import { aggregate, type EventMetadata, eventStore } from '@veza/kit/events'
import { type Kysely } from 'kysely'
import {
  decidePlaylist,
  evolvePlaylist,
  type Playlist,
  type PlaylistCommand,
  type PlaylistEvent,
} from '../domain/playlist.ts'
import { playlistEvents, playlistRecord } from './publish.ts'
import { type TracksDatabase } from './schema.ts'

/** Playlists by their events, with the row that queries read kept in the same transaction. */
export interface Playlists {
  /** Rejects Rejection, VersionConflict where a version was expected, and the database's errors. */
  execute(
    playlistId: string,
    command: PlaylistCommand,
    options: { readonly metadata: EventMetadata; readonly expectedVersion?: number | undefined },
  ): Promise<void>
}

export const playlistStream = (playlistId: string): string => `playlist-${playlistId}`

const project = async (db: Kysely<TracksDatabase>, playlist: Playlist, version: number): Promise<void> => {
  if (playlist.deleted) {
    await db.deleteFrom('playlists').where('id', '=', playlist.id).execute()
    return
  }
  const { id, ownerId, title, description, visibility, trackIds, createdAt, changedAt } = playlist
  const row = {
    ...{ id, owner_id: ownerId, version, title, description, visibility, track_ids: [...trackIds] },
    ...{ created_at: createdAt, changed_at: changedAt },
  }
  await db
    .insertInto('playlists')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}

/** @param changed is told of each version that came to be */
export const openPlaylists = (
  db: Kysely<TracksDatabase>,
  codec: Codec,
  changed: (playlistId: string, version: number) => void = () => undefined,
): Playlists => {
  const playlists = aggregate<typeof topics.tracksEvents, Playlist | undefined, PlaylistEvent>({
    store: eventStore({ topic: topics.tracksEvents, codec }),
    initial: undefined,
    evolve: evolvePlaylist,
    read: playlistEvents,
    write: (events) => events.map(playlistRecord),
  })
  return {
    async execute(playlistId, command, options) {
      const { version } = await playlists.execute<TracksDatabase>(db, {
        stream: playlistStream(playlistId),
        key: playlistId,
        decide: (playlist) => decidePlaylist(command, playlist),
        // One person on several devices.
        attempts: 5,
        ...options,
        alongside: async (trx, { state, version }) => {
          if (state !== undefined) await project(trx, state, version)
        },
      })
      changed(playlistId, version)
    },
  }
}
