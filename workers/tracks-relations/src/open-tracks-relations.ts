import { openDatabase } from '@veza/kit/postgres'
import { runProjection } from '@veza/kit/projection'
import { type HostedWorker, type WorkerCommon } from '@veza/kit/worker'
import { type RelationsDatabase } from '@veza/tracks/store'
import { relations } from './projection.ts'
import { type TracksRelationsSettings } from './settings.ts'

/** Keeps tracks' copy of who follows and who blocks whom current. */
export const openTracksRelations = async (
  settings: TracksRelationsSettings,
  common: WorkerCommon,
): Promise<HostedWorker> => {
  const database = openDatabase<RelationsDatabase>(settings.TRACKS_DATABASE_URL, {
    applicationName: relations.name,
    // One chunk at a time, and the health check.
    poolSize: 2,
    log: common.log,
  })
  const worker = await runProjection(relations, database, common)
  return {
    name: worker.name,
    async stop() {
      await worker.stop()
      await database.close()
    },
  }
}
