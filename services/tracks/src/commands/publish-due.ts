import { type Kysely } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Tracks } from '../adapters/tracks.ts'

/**
 * Publishes tracks whose time has come, some at a time. Several processes may do so at once: what one has done the others
 * find done.
 *
 * @returns how many it published
 */
export const publishDue =
  (db: Kysely<TracksDatabase>, tracks: Tracks, now: () => Date, limit = 100) =>
  async (): Promise<number> => {
    const at = now()
    const due = await db
      .selectFrom('tracks')
      .select('id')
      .where('publish_at', '<=', at)
      .orderBy('publish_at')
      .limit(limit)
      .execute()
    let published = 0
    for (const { id } of due) {
      const metadata = { actor: 'tracks' }
      const { events } = await tracks.execute(db, id, { type: 'publish-due', at }, { metadata })
      published += events.length
    }
    return published
  }
