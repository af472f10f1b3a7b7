import { type Logger } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { replay, type ReplayOptions, type ReplayProgress } from '@veza/kit/projection'
import { type RelationsDatabase } from '@veza/tracks/store'
import { relations } from './projection.ts'
import { type TracksRelationsSettings } from './settings.ts'

/** Rebuilds the copy beside the live one, and swaps the two. Rejects when it can't; nothing is changed then. */
export const replayTracksRelations = async (
  settings: TracksRelationsSettings,
  { log, ...options }: ReplayOptions & { readonly log: Logger },
): Promise<ReplayProgress> => {
  const database = openDatabase<RelationsDatabase>(settings.TRACKS_DATABASE_URL, {
    applicationName: 'replay',
    poolSize: 4,
    log,
  })
  try {
    return await replay(relations, database.db, options)
  } finally {
    await database.close()
  }
}
