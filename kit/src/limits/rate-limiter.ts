import { LRUCache } from 'lru-cache'
import { type Rate, type TokenBucket, createBucket, takeToken } from './token-bucket.ts'

/** What a key has left of its rate. */
export interface Allowance {
  readonly allowed: boolean
  /** What could be taken at once now, in whole units. */
  readonly remaining: number
  /** Until as much as was asked can be taken, ms. 0: it was. Infinity: it is more than the burst. */
  readonly retryAfterMs: number
  /** Until the whole burst is there again, ms. */
  readonly fullAfterMs: number
}

/** Limits what each key does. It may be one for many processes, so it may take its time. */
export interface RateLimiter {
  readonly rate: Rate
  /** What is refused costs nothing. @param cost 1 unless given */
  take(key: string, cost?: number): Allowance | Promise<Allowance>
}

interface LocalLimiter extends RateLimiter {
  take(key: string, cost?: number): Allowance
}

/**
 * A limiter of this process alone, which remembers the keys that were used last. A key that is forgotten begins with its
 * burst anew, as it would anyway after `burst / perSecond` seconds of silence.
 *
 * @param keys how many are remembered
 * @param now milliseconds
 */
export const localLimiter = (
  rate: Rate,
  { keys, now = () => performance.now() }: { readonly keys: number; readonly now?: () => number },
): LocalLimiter => {
  const buckets = new LRUCache<string, TokenBucket>({ max: keys })
  const msFor = (tokens: number): number => Math.max(0, (tokens * 1000) / rate.perSecond)
  return {
    rate,
    take(key, cost = 1) {
      const at = now()
      const bucket = buckets.get(key) ?? createBucket(rate, at)
      buckets.set(key, bucket)
      const allowed = takeToken(bucket, rate, at, cost)
      return {
        allowed,
        remaining: Math.floor(bucket.tokens),
        retryAfterMs: allowed ? 0 : cost > rate.burst ? Infinity : msFor(cost - bucket.tokens),
        fullAfterMs: msFor(rate.burst - bucket.tokens),
      }
    },
  }
}
