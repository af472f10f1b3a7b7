import { topics } from '@veza/contracts'
import { remotePersonalData } from '@veza/kit/personal-data'
import { type HostedWorker, runWorker, type WorkerCommon } from '@veza/kit/worker'
import { exportProgress, type ExportSource, gatherExport, openUsersStore, ownSource } from '@veza/users/store'
import { gather, giveUp } from './gather.ts'
import { type UsersExportsSettings } from './settings.ts'

const name = 'users-exports'

/** Gathers all that the platform has about whoever asks for it. Throws EnvironmentError. */
export const openUsersExports = (
  settings: UsersExportsSettings,
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
): HostedWorker => {
  const store = openUsersStore(settings, { name, poolSize: 3, codec, log })
  const now = () => new Date()
  const sources: ExportSource[] = [
    ownSource(store),
    ...settings.USERS_EXPORT_SOURCES.map((source) => ({
      name: source.name,
      read: remotePersonalData(source, settings.SERVICE_TOKEN),
    })),
  ]
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    // Nearly all events are about something else.
    settings: { gatherMs: 100 },
    topics: [topics.usersEvents],
    handle: gather({
      gatherExport: gatherExport({ ...store, now }, { sources, keptMs: settings.USERS_EXPORT_KEPT }),
    }),
    onDead: giveUp({
      fail: (exportId) => exportProgress(store.db, exportId).failed(now()),
    }),
    dependencies: async () =>
      (await store.check()) ?? (await store.keyEncryption.check()) ?? (await kafka.admin.check()),
  })
  worker.finished.catch(fail)
  return {
    name,
    async stop() {
      await worker.stop()
      await deadLetter.close()
      await store.close()
    },
  }
}
