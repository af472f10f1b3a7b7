import { type Kysely } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'

/** Likes a track, or takes it back. Idempotent. The caller has seen that the track is visible. */
export const likeTrack =
  (db: Kysely<TracksDatabase>, now: () => Date) =>
  async (trackId: string, userId: string, liked: boolean): Promise<void> => {
    if (liked)
      await db
        .insertInto('likes')
        .values({ track_id: trackId, user_id: userId, liked_at: now() })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    else await db.deleteFrom('likes').where('track_id', '=', trackId).where('user_id', '=', userId).execute()
  }
