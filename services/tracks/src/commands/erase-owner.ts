import { type Sealing } from '@veza/kit/sealing'
import { type Kysely } from 'kysely'
import { markErased } from '../adapters/erased-owners.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Playlists } from '../adapters/playlists.ts'
import { type Tracks } from '../adapters/tracks.ts'

const atOnce = 100

/**
 * Forgets a person: their tracks and playlists are deleted, their likes, reports and what they had begun to upload are gone,
 * and so is the data key of their addresses. Streams and files go with the next sweep of objects that no track has. Can be repeated, also
 * after it was broken off.
 */
export const eraseOwner =
  ({
    db,
    tracks,
    playlists,
    sealing,
    now,
  }: {
    readonly db: Kysely<TracksDatabase>
    readonly tracks: Tracks
    readonly playlists: Playlists
    readonly sealing: Sealing
    readonly now: () => Date
  }) =>
  async (userId: string, cause: { readonly actor: string; readonly causation: string }): Promise<void> => {
    const at = now()
    await markErased(db, userId, at)
    await db.deleteFrom('likes').where('user_id', '=', userId).execute()
    await db.deleteFrom('reports').where('reporter_id', '=', userId).execute()
    // The bytes lie with the service, whose sweep removes what has expired. What a row says goes at once.
    await db
      .updateTable('uploads')
      .set({ expires_at: new Date(0), filename: '', title: null })
      .where('owner_id', '=', userId)
      .execute()
    for (;;) {
      const found = await db
        .selectFrom('playlists')
        .select('id')
        .where('owner_id', '=', userId)
        .limit(atOnce)
        .execute()
      if (found.length === 0) break
      for (const { id } of found)
        await playlists.execute(id, { type: 'delete', actorId: userId, at }, { metadata: cause })
    }
    for (;;) {
      const found = await db
        .selectFrom('tracks')
        .select('id')
        .where('owner_id', '=', userId)
        .limit(atOnce)
        .execute()
      if (found.length === 0) break
      for (const { id } of found)
        await tracks.execute(
          db,
          id,
          { type: 'delete', actor: { userId, moderator: false }, at },
          { metadata: cause },
        )
    }
    await sealing.erase(db, userId)
  }
