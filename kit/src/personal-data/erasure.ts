import { topics } from '@veza/contracts'
import { done, type HostedWorker, runWorker, skip, type WorkerCommon } from '../worker/index.ts'

/** A context that can forget somebody. */
export interface ForgetfulStore {
  /** Deletes what the context has about a person. May come again, and for people whom it never knew. */
  erase(userId: string, cause: { readonly actor: string; readonly causation: string }): Promise<void>
  /** undefined when well, otherwise what is wrong. */
  check(): Promise<string | undefined>
  close(): Promise<void>
}

/**
 * Forgets in a context whom users has forgotten. The worker closes the store.
 *
 * @param o name: of the worker, the actor of what it does; topic: users' events, but in tests
 */
export const runErasure = (
  store: ForgetfulStore,
  o: { readonly name: string; readonly topic?: typeof topics.usersEvents },
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
): HostedWorker => {
  const { name, topic = topics.usersEvents } = o
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    // Nearly all events are about something else.
    settings: { gatherMs: 100 },
    topics: [topic],
    async handle(message) {
      if (message.type !== 'UserErased') return skip('not about erasure')
      await store.erase(message.value.userId, { actor: name, causation: message.id })
      return done
    },
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
