import { type Context, type MiddlewareHandler } from 'hono'
import { every, except } from 'hono/combine'
import { createMiddleware } from 'hono/factory'
import { type Allowance, type RateLimiter } from '../limits/index.ts'
import { type TokenVerifier } from '../tokens/index.ts'
import { type BearerEnv, bearer } from './bearer.ts'
import { Problem } from './problem.ts'

const seconds = (ms: number): number => Math.ceil(ms / 1000)

/** The fields of draft-ietf-httpapi-ratelimit-headers: a burst is a quota whose window is the time in which it comes back. */
const announce = (c: Context, name: string, { rate }: RateLimiter, left: Allowance): void => {
  c.header('ratelimit-policy', `"${name}";q=${rate.burst};w=${seconds((1000 * rate.burst) / rate.perSecond)}`)
  c.header('ratelimit', `"${name}";r=${left.remaining};t=${seconds(left.fullAfterMs)}`)
}

const rateLimited = (name: string, limiter: RateLimiter): MiddlewareHandler<BearerEnv> =>
  createMiddleware<BearerEnv>(async (c, next) => {
    const left = await limiter.take(c.var.identity.userId)
    announce(c, name, limiter, left)
    if (!left.allowed)
      throw new Problem(429, 'too-many-requests', 'That is more than you may do at once: wait a moment', {
        headers: { 'retry-after': String(seconds(left.retryAfterMs)) },
      })
    await next()
  })

const isReading = (c: Context): boolean => c.req.method === 'GET' || c.req.method === 'HEAD'

/**
 * bearer, and a limit to what each user changes. Answers tell in `RateLimit` and `RateLimit-Policy` how much is left;
 * beyond it 429 with code `too-many-requests` and Retry-After. Reading requests cost nothing.
 *
 * @param name of the policy in those fields, ASCII
 */
export const limitedBearer = (
  verifier: TokenVerifier,
  name: string,
  limiter: RateLimiter,
): MiddlewareHandler<BearerEnv> =>
  every(bearer(verifier), except(isReading, rateLimited(name, limiter))) as MiddlewareHandler<BearerEnv>
