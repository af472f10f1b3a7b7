import { topics } from '@veza/contracts'
import { type HostedWorker, runWorker, type WorkerCommon } from '@veza/kit/worker'
import { createProfile, openUsersStore } from '@veza/users/store'
import { nameInAuth } from './auth-api.ts'
import { welcome } from './welcome.ts'
import { type UsersProfilesSettings } from './settings.ts'

const name = 'users-profiles'

/** Gives everybody who signs up a profile. */
export const openUsersProfiles = (
  settings: UsersProfilesSettings,
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
): HostedWorker => {
  const store = openUsersStore(settings, { name, poolSize: 6, codec, log })
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    topics: [topics.authEvents],
    // Nearly all events are about something else; whoever signs up asks for the profile a little later.
    settings: { gatherMs: 50 },
    handle: welcome({
      createProfile: createProfile({ ...store, now: () => new Date() }),
      askName: nameInAuth({ url: settings.AUTH_INTERNAL_URL, token: settings.SERVICE_TOKEN }),
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
