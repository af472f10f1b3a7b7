import { type Redis, script } from '../redis/index.ts'
import { type Allowance, type RateLimiter } from './rate-limiter.ts'
import { type Rate } from './token-bucket.ts'

/**
 * GCRA: a key holds when its burst is whole again, in ms by Redis's own clock, and is gone by then. Taking moves that moment
 * on by what was taken, unless it would be further away than a burst lasts.
 */
const takeScript = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local cost = tonumber(ARGV[1])
local burst = tonumber(ARGV[2])
local whole = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now))
local taken = whole + cost
if taken - now > burst then
  return { 0, tostring(whole - now), tostring(taken - now - burst) }
end
redis.call('SET', KEYS[1], string.format('%.3f', taken), 'PX', math.ceil(taken - now))
return { 1, tostring(taken - now), '0' }`)

/**
 * A limiter that processes share: what one of them lets through the others count. While Redis is away each limits for
 * itself, by `local`, so that so many times as much gets through as there are processes.
 *
 * @param name of what is limited: the first part of its keys
 * @param redis undefined: there is none
 */
export const sharedLimiter = (
  name: string,
  rate: Rate,
  { redis, local }: { readonly redis: Redis | undefined; readonly local: RateLimiter },
): RateLimiter => {
  if (redis === undefined) return local
  const msOf = (tokens: number): number => (tokens * 1000) / rate.perSecond
  const burstMs = msOf(rate.burst)
  const read = (answer: unknown, cost: number): Allowance => {
    const [allowed, full, retry] = answer as [number, string, string]
    return {
      allowed: allowed === 1,
      // Of floating point a whole unit may be short by a hair.
      remaining: Math.max(0, Math.floor(((burstMs - Number(full)) * rate.perSecond) / 1000 + 1e-6)),
      retryAfterMs: allowed === 1 ? 0 : cost > rate.burst ? Infinity : Number(retry),
      fullAfterMs: Number(full),
    }
  }
  return {
    rate,
    async take(key, cost = 1) {
      if (!redis.available) return local.take(key, cost)
      try {
        return read(await redis.run(takeScript, [`veza:limit:${name}:${key}`], [msOf(cost), burstMs]), cost)
      } catch {
        return local.take(key, cost)
      }
    },
  }
}
