import { type EventMetadata } from '@veza/kit/events'
import { type Kysely } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Tracks } from '../adapters/tracks.ts'
import { type TrackCommand } from '../domain/track.ts'

/** Edits or deletes a track. Idempotent. Throws Rejection; rejects VersionConflict where a version was expected. */
export const changeTrack =
  (db: Kysely<TracksDatabase>, tracks: Tracks) =>
  async (
    trackId: string,
    command: Extract<TrackCommand, { type: 'edit' | 'delete' }>,
    options: { metadata: EventMetadata; expectedVersion?: number | undefined },
  ): Promise<void> => {
    await tracks.execute(db, trackId, command, options)
  }
