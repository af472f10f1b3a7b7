import { type Meter } from '@opentelemetry/api'
import { type Codec } from '@veza/contracts'
import { type Kafka } from '../kafka/index.ts'
import { type Logger } from '../log/index.ts'
import { type Redis } from '../redis/index.ts'
import { type Caches, openCaches, uncached } from './caches.ts'
import { followInvalidations } from './follow.ts'
import { type CacheSettings } from './settings.ts'
import { sharedLevel } from './shared.ts'

/** The caches of a process, told of changes for as long as it runs. @param redis undefined: it shares nothing */
export const openProcessCaches = async (
  settings: Pick<CacheSettings, 'CACHE_READS'>,
  o: {
    readonly redis: Redis | undefined
    readonly kafka: Kafka
    readonly codec: Codec
    readonly meter: Meter
    readonly log: Logger
  },
): Promise<{ readonly caches: Pick<Caches, 'open'>; readonly stop: () => Promise<void> }> => {
  if (!settings.CACHE_READS) return { caches: uncached, stop: () => Promise.resolve() }
  const caches = openCaches({ shared: o.redis && sharedLevel(o.redis), meter: o.meter })
  const following = await followInvalidations(caches, o)
  return { caches, stop: () => following.stop() }
}
