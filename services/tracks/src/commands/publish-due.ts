import { type Logger } from '@veza/kit/log'
import { isUnavailable } from '@veza/kit/postgres'
import { type Kysely } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Tracks } from '../adapters/tracks.ts'

const atOnce = 100

/**
 * Publishes tracks whose time has come. Several processes may do so at once: what one has done the others find done. A track
 * that cannot be published is logged, and holds up none of the others.
 *
 * @returns how many it published
 */
export const publishDue =
  ({ db, tracks, log, now }: { db: Kysely<TracksDatabase>; tracks: Tracks; log: Logger; now: () => Date }) =>
  async (): Promise<number> => {
    const at = now()
    let published = 0
    for (let after: string | undefined; ;) {
      const due = await db
        .selectFrom('tracks')
        .select('id')
        .where('publish_at', '<=', at)
        .where((eb) => (after === undefined ? eb.lit(true) : eb('id', '>', after)))
        .orderBy('id')
        .limit(atOnce)
        .execute()
      for (const { id } of due) {
        try {
          const metadata = { actor: 'tracks' }
          const { events } = await tracks.execute(db, id, { type: 'publish-due', at }, { metadata })
          published += events.length
        } catch (error) {
          if (isUnavailable(error)) throw error
          log.warn({ err: error, trackId: id }, 'a track that is due was not published')
        }
      }
      after = due.at(-1)?.id
      if (due.length < atOnce) return published
    }
  }
