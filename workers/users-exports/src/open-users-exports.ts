import { topics } from '@veza/contracts'
import { type HostedWorker, runWorker, type WorkerCommon } from '@veza/kit/worker'
import { exportProgress, gatherExport, openUsersStore, readOwnData } from '@veza/users/store'
import { gather, giveUp } from './gather.ts'
import { type UsersExportsSettings } from './settings.ts'
import { contextSource } from './sources.ts'

const name = 'users-exports'

/** Gathers all that the platform has about whoever asks for it. Throws EnvironmentError. */
export const openUsersExports = (
  settings: UsersExportsSettings,
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
): HostedWorker => {
  const others = settings.USERS_EXPORT_SOURCES.map((source) => contextSource(source, settings.SERVICE_TOKEN))
  const store = openUsersStore(settings, { name, poolSize: 3, codec, log })
  const now = () => new Date()
  const sources = [{ name: 'users', read: readOwnData(store) }, ...others]
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    topics: [topics.usersEvents],
    handle: gather({
      gatherExport: gatherExport({ ...store, now }, { sources, keptMs: settings.USERS_EXPORT_KEPT }),
    }),
    onDead: giveUp({
      fail: (exportId) => exportProgress(store.db, store.sealing, exportId).failed(now()),
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
