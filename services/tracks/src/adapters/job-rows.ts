import { type Kysely, sql } from 'kysely'
import { type Priority, type TrackEvent } from '../domain/track.ts'
import { type TracksDatabase } from './schema.ts'

/** Smaller goes first. */
export const urgency: Readonly<Record<Priority, number>> = { upload: 0, catalogue: 10 }

/**
 * Keeps the jobs as the events have it, in their transaction: a stream that is asked for has its job at once, and a
 * deleted track has none any more. A recipe that is asked for again, after it failed, begins anew.
 */
export const projectJobs = async (
  db: Kysely<TracksDatabase>,
  events: readonly TrackEvent[],
): Promise<void> => {
  for (const event of events) {
    if (event.type === 'transcode-requested') {
      const { trackId, ownerId, sha256, recipe, priority } = event
      await sql`
        insert into transcode_jobs (track_id, recipe, owner_id, source, priority)
        values (${trackId}, ${recipe}, ${ownerId}, ${sha256}, ${urgency[priority]})
        on conflict (track_id, recipe) do update
        set state = 'queued', attempts = 0, run_at = now(), priority = excluded.priority, settled_at = null
        where transcode_jobs.state in ('done', 'failed', 'cancelled')`.execute(db)
    }
    if (event.type === 'deleted')
      await db
        .updateTable('transcode_jobs')
        .set({ state: 'cancelled', settled_at: sql<Date>`now()`, lease_until: null })
        .where('track_id', '=', event.trackId)
        .where('state', 'in', ['queued', 'running'])
        .execute()
  }
}
