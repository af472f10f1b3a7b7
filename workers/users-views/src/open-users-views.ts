import { runProjection } from '@veza/kit/projection'
import { type HostedWorker, type WorkerCommon } from '@veza/kit/worker'
import { openUsersStore, type UsersStore } from '@veza/users/store'
import { usersViewsProjection } from './projection.ts'
import { type UsersViewsSettings } from './settings.ts'

/** Keeps users' views up to date with users.events.v1. */
export const openUsersViews = async (
  settings: UsersViewsSettings,
  common: WorkerCommon,
): Promise<HostedWorker> => {
  // One chunk at a time, its data keys, and the health check.
  const { codec, log } = common
  const store: UsersStore = openUsersStore(settings, { name: 'users-views', poolSize: 3, codec, log })
  const database = {
    db: store.views,
    check: async () => (await store.check()) ?? (await store.keyEncryption.check()),
  }
  const worker = await runProjection(usersViewsProjection(store.personal), database, common)
  return {
    name: worker.name,
    async stop() {
      await worker.stop()
      await store.close()
    },
  }
}
