import { beginAnew, type EventMetadata } from '@veza/kit/events'
import { type Kysely } from 'kysely'
import { isErased } from '../adapters/erased-owners.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Tracks } from '../adapters/tracks.ts'
import { Rejection } from '../domain/rejection.ts'
import { type ReportReason } from '../domain/moderation.ts'
import { type TrackCommand } from '../domain/track.ts'
import { type Actor } from '../domain/visibility.ts'

/** Reports a track, once a person until a moderator has settled it. The caller has seen that the track is visible. */
export const reportTrack =
  (db: Kysely<TracksDatabase>, tracks: Tracks, now: () => Date) =>
  async (
    trackId: string,
    { actor, reason, comment }: { actor: Actor; reason: ReportReason; comment: string },
    metadata: EventMetadata,
  ): Promise<void> => {
    const at = now()
    await beginAnew(5, () =>
      db.transaction().execute(async (trx) => {
        const known = await trx
          .selectFrom('reports')
          .select('track_id')
          .where('track_id', '=', trackId)
          .where('reporter_id', '=', actor.userId)
          .executeTakeFirst()
        if (known !== undefined) return
        await tracks.execute(trx, trackId, { type: 'report', actor, reason, at }, { metadata })
        await trx
          .insertInto('reports')
          .values({ track_id: trackId, reporter_id: actor.userId, reason, comment, reported_at: at })
          .execute()
      }),
    )
    if (await isErased(db, actor.userId)) {
      await db.deleteFrom('reports').where('reporter_id', '=', actor.userId).execute()
      throw new Rejection('user-erased')
    }
  }

/** Takes a track down, puts it back, or finds its reports unfounded: each settles them. Throws Rejection. */
export const moderateTrack =
  (db: Kysely<TracksDatabase>, tracks: Tracks) =>
  async (
    trackId: string,
    command: Extract<TrackCommand, { type: 'take-down' | 'restore' | 'dismiss-reports' }>,
    metadata: EventMetadata,
  ): Promise<void> => {
    await beginAnew(5, () =>
      db.transaction().execute(async (trx) => {
        await tracks.execute(trx, trackId, command, { metadata })
        await trx.deleteFrom('reports').where('track_id', '=', trackId).execute()
      }),
    )
  }
