/** A rate with a burst: `burst` at once, then `perSecond`. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

export interface TokenBucket {
  tokens: number
  /** Milliseconds of whatever clock it is asked with. */
  filledAt: number
}

export const createBucket = (rate: Rate, now: number): TokenBucket => ({ tokens: rate.burst, filledAt: now })

/** Takes tokens, if they are there. A clock that goes back adds none. */
export const takeToken = (bucket: TokenBucket, rate: Rate, now: number, cost = 1): boolean => {
  const gained = (Math.max(0, now - bucket.filledAt) * rate.perSecond) / 1000
  bucket.tokens = Math.min(rate.burst, bucket.tokens + gained)
  bucket.filledAt = now
  if (bucket.tokens < cost) return false
  bucket.tokens -= cost
  return true
}
