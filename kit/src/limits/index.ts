export { type Allowance, type RateLimiter, localLimiter } from './rate-limiter.ts'
export { sharedLimiter } from './shared-limiter.ts'
export { type Rate, type TokenBucket, createBucket, takeToken } from './token-bucket.ts'
