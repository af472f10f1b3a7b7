import { type EventMetadata } from '@veza/kit/events'
import { PictureInvalid } from '@veza/kit/pictures'
import { type Kysely } from 'kysely'
import { type Covers } from '../adapters/covers.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Tracks } from '../adapters/tracks.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Actor } from '../domain/visibility.ts'

/**
 * Gives a track a picture, of the bytes of a PNG, JPEG or WebP; null takes it away. The one before is swept with other
 * objects that no track has.
 *
 * @param mayChange asked before the picture is decoded; throws Rejection
 * @returns the id of the picture
 * @throws Rejection; ObjectsUnavailable
 */
export const changeCover =
  (deps: {
    db: Kysely<TracksDatabase>
    tracks: Tracks
    covers: Covers
    mayChange: (trackId: string, actor: Actor) => Promise<void>
    now: () => Date
  }) =>
  async (
    trackId: string,
    actor: Actor,
    picture: Uint8Array | null,
    metadata: EventMetadata,
  ): Promise<string | null> => {
    await deps.mayChange(trackId, actor)
    const cover =
      picture === null
        ? null
        : await deps.covers.store(picture).catch((error: unknown) => {
            throw error instanceof PictureInvalid ? new Rejection('picture-invalid') : error
          })
    await deps.tracks.execute(
      deps.db,
      trackId,
      { type: 'change-cover', actor, cover, at: deps.now() },
      { metadata },
    )
    return cover
  }
