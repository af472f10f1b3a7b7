import { type Kysely } from 'kysely'
import { isErased } from '../adapters/erased-owners.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'

/** Likes a track, or takes it back. Idempotent. The caller has seen that the track is visible. Throws Rejection. */
export const likeTrack =
  (db: Kysely<TracksDatabase>, now: () => Date) =>
  async (trackId: string, userId: string, liked: boolean): Promise<void> => {
    const takeBack = () =>
      db.deleteFrom('likes').where('track_id', '=', trackId).where('user_id', '=', userId).execute()
    if (liked) {
      await db
        .insertInto('likes')
        .values({ track_id: trackId, user_id: userId, liked_at: now() })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      if (await isErased(db, userId)) {
        await takeBack()
        throw new Rejection('user-erased')
      }
    } else await takeBack()
  }
