import { type Topic } from '@veza/contracts'
import { type Logger } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { type Projection, replay, type ReplayOptions, type ReplayProgress } from '@veza/kit/projection'

/** A read model that can be rebuilt. */
export interface Replayable {
  /** The worker's consumer group. */
  readonly name: string
  /** The setting that names its database. */
  readonly databaseSetting: string
  replay(databaseUrl: string, options: ReplayOptions & { readonly log: Logger }): Promise<ReplayProgress>
}

/**
 * A projection with its database: what `npm run ops -- replay` finds by its group.
 *
 * @public until the first projection is in the list below
 */
export const replayable = <T extends Topic, DB>(
  projection: Projection<T, DB>,
  databaseSetting: string,
): Replayable => ({
  name: projection.name,
  databaseSetting,
  async replay(databaseUrl, { log, ...options }) {
    const database = openDatabase<DB>(databaseUrl, { applicationName: 'replay', poolSize: 4, log })
    try {
      return await replay(projection, database.db, options)
    } finally {
      await database.close()
    }
  },
})

/** Every read model. A projection more is a line: `replayable(usersViews, 'USERS_DATABASE_URL')`. */
export const readModels: readonly Replayable[] = []
