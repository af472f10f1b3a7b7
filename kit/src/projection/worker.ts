import { type Topic } from '@veza/contracts'
import { type Database, isUnavailable } from '../postgres/index.ts'
import { type HostedWorker, runWorker, type WorkerCommon, type WorkerSettings } from '../worker/index.ts'
import { type Projection, projector, WrongModelVersion } from './project.ts'
import { createModel } from './schema.ts'

// A caller reads what they have done themselves from the events, not from the views; others do not miss this.
const defaultGatherMs = 50

/**
 * Keeps a read model current: creates its schema where there is none, then follows the topics. A model of another
 * version is left alone: the worker is not ready, takes nothing and loses nothing, until a replay has made a new one. With
 * the database away it starts all the same, and waits for it.
 */
export const runProjection = async <T extends Topic, DB>(
  projection: Projection<T, DB>,
  { db, check }: Pick<Database<DB>, 'db' | 'check'>,
  {
    kafka,
    codec,
    health,
    telemetry,
    log,
    fail,
    settings = {},
  }: WorkerCommon & { readonly settings?: WorkerSettings },
): Promise<HostedWorker> => {
  let isThere = false
  const ensureModel = async (): Promise<void> => {
    if (!isThere) await createModel(db, projection)
    isThere = true
  }
  await ensureModel().catch((error: unknown) => {
    if (!isUnavailable(error)) throw error
  })
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const project = projector(db, projection)
  let wrong: string | undefined
  const worker = runWorker({
    ...{
      name: projection.name,
      kafka,
      codec,
      topics: projection.topics,
      deadLetter,
      health,
      telemetry,
      log,
      settings: { gatherMs: defaultGatherMs, ...settings },
    },
    handleChunk: async (messages, control) => {
      try {
        await ensureModel()
        const outcomes = await project(messages, control)
        wrong = undefined
        return outcomes
      } catch (error) {
        wrong = error instanceof WrongModelVersion ? error.message : undefined
        throw error
      }
    },
    dependencies: async () => wrong ?? (await check()) ?? (await kafka.admin.check()),
  })
  worker.finished.catch(fail)
  return {
    name: projection.name,
    async stop() {
      await worker.stop()
      await deadLetter.close()
    },
  }
}
