import { type Meter } from '@opentelemetry/api'

/** What a cache counts of itself. Plain numbers: a hit takes less time than a call of a meter does. */
export interface CacheMetrics {
  hits: number
  sharedHits: number
  misses: number
  loads: number
  fills: number
  evictions: number
  /** @param ageMs of what was answered with */
  hit(ageMs: number): void
}

/** Every so many hits an age is recorded. */
const sampleEvery = 64

/** Counts of caches, read when metrics are. */
export const cacheMeters = (meter: Meter | undefined) => {
  const byName = new Map<string, CacheMetrics>()
  const age = meter?.createHistogram('cache_age', {
    unit: 's',
    description: 'How long ago what this process answered with was read, of a sample',
  })
  const counts = [
    ['cache_hits_total', 'Answered from this process', (of: CacheMetrics) => of.hits],
    ['cache_shared_hits_total', 'Answered from Redis', (of: CacheMetrics) => of.sharedHits],
    ['cache_misses_total', 'Not answered from this process', (of: CacheMetrics) => of.misses],
    ['cache_loads_total', 'Read from the database', (of: CacheMetrics) => of.loads],
    ['cache_fills_total', 'Kept in this process', (of: CacheMetrics) => of.fills],
    [
      'cache_evictions_total',
      'Removed since it had changed, or may have',
      (of: CacheMetrics) => of.evictions,
    ],
  ] as const
  for (const [name, description, read] of counts)
    meter?.createObservableCounter(name, { description }).addCallback((result) => {
      for (const [cache, of] of byName) result.observe(read(of), { cache })
    })
  return (cache: string): CacheMetrics => {
    const metrics: CacheMetrics = {
      ...{ hits: 0, sharedHits: 0, misses: 0, loads: 0, fills: 0, evictions: 0 },
      hit(ageMs) {
        if (metrics.hits++ % sampleEvery === 0) age?.record(ageMs / 1_000, { cache })
      },
    }
    byName.set(cache, metrics)
    return metrics
  }
}
