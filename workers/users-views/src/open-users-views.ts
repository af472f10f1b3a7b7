import { topics } from '@veza/contracts'
import { type HostedWorker, runWorker, type WorkerCommon } from '@veza/kit/worker'
import { openUsersStore, projectViews } from '@veza/users/store'
import { project } from './project.ts'
import { type UsersViewsSettings } from './settings.ts'

const name = 'users-views'

/** Keeps users' views up to date with users.events.v1. */
export const openUsersViews = (
  settings: UsersViewsSettings,
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
): HostedWorker => {
  // One chunk at a time, its data keys, and the health check.
  const store = openUsersStore(settings, { name, poolSize: 3, codec, log })
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    topics: [topics.usersEvents],
    handleChunk: project({ views: store.views, project: projectViews(store.personal) }),
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
