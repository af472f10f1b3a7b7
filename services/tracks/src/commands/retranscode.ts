import { type Kysely, sql } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Tracks } from '../adapters/tracks.ts'
import { currentRecipe } from '../domain/recipe.ts'

/** How far the catalogue is on its way to the recipe of today, tracks. */
export interface CatalogueProgress {
  /** Made by it. */
  readonly made: number
  /** Asked for, and waiting or being made. */
  readonly waiting: number
  /** Asked for, and could not be made: their older streams go on being heard. */
  readonly failed: number
}

const atOnce = 200

/**
 * Asks for a stream by the recipe of today for every track that has one by another, behind all new uploads. What was asked
 * for before is not asked for again, so it can be broken off and run once more, also by two at once.
 *
 * @param again whether to ask once more for those that could not be made, and for tracks that have no stream at all
 * @param onAsked is told how many were asked for so far
 * @returns how many were
 */
export const retranscode =
  (db: Kysely<TracksDatabase>, tracks: Tracks, now: () => Date, recipe = currentRecipe) =>
  async ({
    again,
    onAsked,
  }: {
    readonly again: boolean
    readonly onAsked?: (asked: number) => void
  }): Promise<number> => {
    let asked = 0
    for (let after: string | undefined; ;) {
      const found = await db
        .selectFrom('tracks')
        .select('id')
        .where((eb) =>
          again ? eb.or([eb('recipe', 'is', null), eb('recipe', '!=', recipe)]) : eb('recipe', '!=', recipe),
        )
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('transcode_jobs')
                .select('track_id')
                .whereRef('track_id', '=', 'tracks.id')
                .where('transcode_jobs.recipe', '=', recipe)
                .where('state', 'in', ['queued', 'running', ...(again ? [] : (['failed'] as const))]),
            ),
          ),
        )
        .where((eb) => (after === undefined ? eb.lit(true) : eb('id', '>', after)))
        .orderBy('id')
        .limit(atOnce)
        .execute()
      if (found.length === 0) return asked
      for (const { id } of found) {
        const { events } = await tracks.execute(
          db,
          id,
          { type: 'request-transcode', recipe, priority: 'catalogue', at: now() },
          { metadata: { actor: 'operator' } },
        )
        asked += events.length
      }
      after = found.at(-1)?.id
      onAsked?.(asked)
    }
  }

/** How far the catalogue is. */
export const catalogueProgress =
  (db: Kysely<TracksDatabase>, recipe = currentRecipe) =>
  async (): Promise<CatalogueProgress> => {
    const { made } = await db
      .selectFrom('tracks')
      .select((eb) => eb.fn.countAll<number>().as('made'))
      .where('recipe', '=', recipe)
      .executeTakeFirstOrThrow()
    const { waiting, failed } = await db
      .selectFrom('transcode_jobs')
      .select([
        sql<number>`count(*) filter (where state in ('queued', 'running'))`.as('waiting'),
        sql<number>`count(*) filter (where state = 'failed')`.as('failed'),
      ])
      .where('recipe', '=', recipe)
      .executeTakeFirstOrThrow()
    return { made, waiting, failed }
  }
