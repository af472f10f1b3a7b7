import { type Meter } from '@opentelemetry/api'
import { type Cache, type CacheInternals, type CacheOptions, createCache } from './cache.ts'
import { createGate } from './gate.ts'
import { loaderOf } from './loading.ts'
import { cacheMeters } from './metrics.ts'
import { type Change, type SharedLevel } from './types.ts'

/** The caches of a process. */
export interface Caches {
  open<T>(options: CacheOptions<T>): Cache<T>
  /** Takes what was told; tags of caches that are not here are passed over. */
  changed(changes: readonly Change[]): void
  /** Somebody is there who tells of changes. To be said every few seconds. */
  told(): void
  /** Something may have been missed: forgets all. */
  flush(): void
}

export interface CachesOptions {
  /** What processes share; undefined: each keeps its own. */
  readonly shared?: SharedLevel | undefined
  readonly meter?: Meter
  /** Reads from databases at once, of all caches together. Default 32. */
  readonly loadsAtOnce?: number
  /** Milliseconds, monotonic. */
  readonly now?: () => number
}

/** For whoever has nobody to tell of changes: nothing is kept, every reading is one of the truth. */
export const uncached: Pick<Caches, 'open'> = {
  open: (options) => ({ read: loaderOf(options, (work) => work()), changed: () => undefined }),
}

/** Who tells of changes says every second that it is there. */
export const silenceMs = 5_000
/** How many may wait for the database before others are told to come back. */
const maxWaiting = 2_000

export const openCaches = ({
  shared,
  meter,
  loadsAtOnce = 32,
  now = () => performance.now(),
}: CachesOptions = {}): Caches => {
  const metricsOf = cacheMeters(meter)
  const gate = createGate({ atOnce: loadsAtOnce, waiting: maxWaiting })
  const byName = new Map<string, Pick<Cache<unknown>, 'changed'> & CacheInternals>()
  let heardAt = -Infinity
  return {
    open(options) {
      const metrics = metricsOf(options.name)
      const cache = createCache(options, {
        shared,
        gate,
        metrics,
        isTold: () => now() - heardAt < silenceMs,
        now,
      })
      byName.set(options.name, cache)
      return cache
    },
    changed(changes) {
      for (const { tag, version } of changes) {
        const colon = tag.indexOf(':')
        byName.get(tag.slice(0, colon))?.changed(tag.slice(colon + 1), version)
      }
    },
    told() {
      heardAt = now()
    },
    flush() {
      for (const cache of byName.values()) cache.flush()
    },
  }
}
