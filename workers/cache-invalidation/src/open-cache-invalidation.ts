import { topics } from '@veza/contracts'
import { openInvalidator, renewEveryMs } from '@veza/kit/cache'
import { type EnvironmentValues } from '@veza/kit/env'
import { openRedis } from '@veza/kit/redis'
import { repeat } from '@veza/kit/repeat'
import { type HostedWorker, runWorker, type WorkerCommon } from '@veza/kit/worker'
import { type SourceTopic } from './changes.ts'
import { type InvalidationsTopic, invalidate, seenRecord } from './invalidate.ts'
import { type cacheInvalidationEnvironment } from './settings.ts'

/** What tests have of their own. */
export interface CacheInvalidationOverrides {
  readonly name?: string
  readonly topics?: readonly SourceTopic[]
  readonly invalidations?: InvalidationsTopic
}

/** Of many at once the last answer comes later than of one. */
const redisTimeoutMs = 1_000

/** Tells all caches what has changed, and vouches for what processes share. */
export const openCacheInvalidation = (
  env: EnvironmentValues<typeof cacheInvalidationEnvironment>,
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
  {
    name = 'cache-invalidation',
    topics: sources = [topics.usersEvents, topics.tracksEvents, topics.roomEvents],
    invalidations = topics.cacheInvalidations,
  }: CacheInvalidationOverrides = {},
): HostedWorker => {
  const redis = openRedis(env, { log, meter: telemetry.meter, timeoutMs: redisTimeoutMs })
  const shared = redis && openInvalidator(redis, { log })
  const producer = kafka.producer({ lingerMs: 0 })
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const deps = { codec, producer, topic: invalidations, shared, now: Date.now }
  const worker = runWorker<SourceTopic>({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    topics: sources,
    // In which what changes gathers: one message to all caches, and one to Redis, for all of it.
    settings: { gatherMs: 10 },
    handleChunk: invalidate(deps),
    dependencies: () => kafka.admin.check(),
  })
  worker.finished.catch(fail)

  // What is in Redis is vouched for only while events can be read and told: so the word of it goes first.
  const telling = repeat('tell caches that changes are told', { everyMs: renewEveryMs, log }, async () => {
    await producer.send(seenRecord(deps))
    await shared?.renew()
  })
  return {
    name,
    async stop() {
      await telling.close()
      await worker.stop()
      await producer.close()
      await deadLetter.close()
      redis?.close()
    },
  }
}
