import { openAuthStore } from '@veza/auth/store'
import { topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { type HostedWorker, runWorker, type WorkerCommon } from '@veza/kit/worker'
import { erase } from './erase.ts'
import { type authErasureEnvironment } from './settings.ts'

/** What tests have of their own. */
export interface AuthErasureOverrides {
  readonly topic?: typeof topics.usersEvents
  readonly name?: string
}

/** Opens the worker on auth's migrated database. Rejects EnvironmentError when no key that is given opens it. */
export const openAuthErasure = async (
  env: EnvironmentValues<typeof authErasureEnvironment>,
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
  { name = 'auth-erasure', topic = topics.usersEvents }: AuthErasureOverrides = {},
): Promise<HostedWorker> => {
  const store = await openAuthStore(env, { log, codec, applicationName: name })
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    topics: [topic],
    handle: erase(store, name),
    dependencies: async () => (await store.check()) ?? (await kafka.admin.check()),
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
