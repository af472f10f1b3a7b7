import { type Meter, type Tracer } from '@opentelemetry/api'
import { openAuthStore } from '@veza/auth/store'
import { type Codec, topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { type Kafka } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { runWorker, type WorkerHealth, type WorkerSettings } from '@veza/kit/worker'
import { erase } from './erase.ts'
import { type authErasureEnvironment } from './settings.ts'

/** What the process around the worker gives it, and closes after it. */
export interface AuthErasureCommon {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly health: WorkerHealth
  readonly telemetry: { readonly tracer: Tracer; readonly meter: Meter }
  readonly log: Logger
  /** Ends the process: the worker can't go on. */
  readonly fail: (error: unknown) => void
  /** The catalogue's topic and the worker's name unless given: tests have their own. */
  readonly topic?: typeof topics.usersEvents
  readonly name?: string
  readonly settings?: WorkerSettings
}

/** Opens the worker on auth's migrated database. Rejects EnvironmentError when no key that is given opens it. */
export const openAuthErasure = async (
  env: EnvironmentValues<typeof authErasureEnvironment>,
  common: AuthErasureCommon,
): Promise<{ readonly name: string; stop(): Promise<void> }> => {
  const { kafka, codec, health, telemetry, log, name = 'auth-erasure', topic = topics.usersEvents } = common
  const store = await openAuthStore(env, { log, codec, applicationName: name })
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    topics: [topic],
    handle: erase(store, name),
    dependencies: async () => (await store.check()) ?? (await kafka.admin.check()),
    ...(common.settings && { settings: common.settings }),
  })
  worker.finished.catch(common.fail)
  return {
    name,
    async stop() {
      await worker.stop()
      await deadLetter.close()
      await store.close()
    },
  }
}
