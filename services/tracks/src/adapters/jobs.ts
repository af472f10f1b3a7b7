import { beginAnew } from '@veza/kit/events'
import { type Kysely, sql, type Transaction } from 'kysely'
import { currentRecipe } from '../domain/recipe.ts'
import { type Outcome, type Priority } from '../domain/track.ts'
import { urgency } from './job-rows.ts'
import { type TracksDatabase } from './schema.ts'
import { type Tracks } from './tracks.ts'

/** A job in hand. It is ours as long as its lease is kept, and only under its fencing token. */
export interface Job {
  readonly trackId: string
  readonly ownerId: string
  readonly source: string
  readonly recipe: number
  readonly priority: Priority
  /** From 1. */
  readonly attempt: number
  readonly fence: number
}

/** The queue of streams to be made, in tracks' database: a job a track and recipe, written with the track's events. */
export interface Jobs {
  /**
   * The most urgent job that is due, or that a worker lost with its lease. undefined: there is none.
   *
   * @param newest version of a recipe that the worker knows: what a newer one asks for is left to workers that have it
   */
  claim(worker: string, leaseMs: number, newest?: number): Promise<Job | undefined>
  /** Keeps the lease. False: the job is somebody else's, or cancelled; stop working on it. */
  heartbeat(job: Job, leaseMs: number): Promise<boolean>
  /**
   * The job's one outcome, and the track's, in one transaction. False: it was not ours to settle any more, and nothing
   * is changed.
   */
  settle(job: Job, outcome: Outcome, at: Date): Promise<boolean>
  /** Back in the queue for later, with the reason. `counts`: whether it was an attempt. False as for settle. */
  retry(job: Job, delayMs: number, error: string, options: { readonly counts: boolean }): Promise<boolean>
  /** Gives it back unharmed: the attempt does not count. For workers that stop. */
  release(job: Job): Promise<void>
  /** Waiting and running. */
  depth(): Promise<{ readonly waiting: number; readonly running: number }>
}

const later = (ms: number) => sql<Date>`now() + ${ms} * interval '1 millisecond'`

export const jobQueue = (db: Kysely<TracksDatabase>, tracks: Tracks): Jobs => {
  const ours = (on: Kysely<TracksDatabase> | Transaction<TracksDatabase>, { trackId, recipe, fence }: Job) =>
    on
      .updateTable('transcode_jobs')
      .where('track_id', '=', trackId)
      .where('recipe', '=', recipe)
      .where('fence', '=', fence)
      .where('state', '=', 'running')

  return {
    async claim(worker, leaseMs, newest = currentRecipe) {
      const { rows } = await sql<{
        track_id: string
        owner_id: string
        source: string
        recipe: number
        priority: number
        attempts: number
        fence: number
      }>`
        update transcode_jobs
        set state = 'running', attempts = attempts + 1, fence = fence + 1, worker = ${worker},
          lease_until = now() + ${leaseMs} * interval '1 millisecond'
        where (track_id, recipe) = (
          select track_id, recipe from transcode_jobs
          where ((state = 'queued' and run_at <= now()) or (state = 'running' and lease_until < now()))
            and recipe <= ${newest}
          order by priority, run_at limit 1 for update skip locked)
        returning track_id, owner_id, source, recipe, priority, attempts, fence`.execute(db)
      const [row] = rows
      return (
        row && {
          ...{ trackId: row.track_id, ownerId: row.owner_id, source: row.source, recipe: row.recipe },
          priority: row.priority === urgency.upload ? 'upload' : 'catalogue',
          ...{ attempt: row.attempts, fence: row.fence },
        }
      )
    },

    async heartbeat(job, leaseMs) {
      const { numUpdatedRows } = await ours(db, job)
        .set({ lease_until: later(leaseMs) })
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },

    settle: (job, outcome, at) =>
      // A person who edits the track at this moment makes one of the two come again.
      beginAnew(5, () =>
        db.transaction().execute(async (trx) => {
          const { numUpdatedRows } = await ours(trx, job)
            .set({
              state: outcome.type === 'made' ? 'done' : 'failed',
              last_error: outcome.type === 'made' ? null : outcome.code,
              settled_at: at,
              lease_until: null,
            })
            .executeTakeFirst()
          if (numUpdatedRows === 0n) return false
          const { trackId, recipe } = job
          const metadata = { actor: 'transcode' }
          await tracks.execute(trx, trackId, { type: 'settle-transcode', recipe, outcome, at }, { metadata })
          return true
        }),
      ),

    async retry(job, delayMs, error, { counts }) {
      const { numUpdatedRows } = await ours(db, job)
        .set({
          state: 'queued',
          attempts: counts ? job.attempt : job.attempt - 1,
          run_at: later(delayMs),
          last_error: error.slice(0, 2_000),
          lease_until: null,
        })
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },

    async release(job) {
      await ours(db, job)
        .set({ state: 'queued', attempts: job.attempt - 1, run_at: sql<Date>`now()`, lease_until: null })
        .execute()
    },

    async depth() {
      const rows = await db
        .selectFrom('transcode_jobs')
        .select(['state', (eb) => eb.fn.countAll<number>().as('jobs')])
        .where('state', 'in', ['queued', 'running'])
        .groupBy('state')
        .execute()
      const jobsIn = (state: string): number => rows.find((row) => row.state === state)?.jobs ?? 0
      return { waiting: jobsIn('queued'), running: jobsIn('running') }
    },
  }
}
