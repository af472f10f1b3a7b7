/** A rate with a burst: `burst` at once, then `perSecond`. */
export interface TokenBucket {
  tokens: number
  /** Epoch milliseconds. */
  filledAt: number
}

export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

export const createBucket = (rate: Rate, now: number): TokenBucket => ({ tokens: rate.burst, filledAt: now })

/** Takes a token, if there is one. A clock that goes back adds none. */
export const takeToken = (bucket: TokenBucket, rate: Rate, now: number): boolean => {
  const gained = (Math.max(0, now - bucket.filledAt) * rate.perSecond) / 1000
  bucket.tokens = Math.min(rate.burst, bucket.tokens + gained)
  bucket.filledAt = now
  if (bucket.tokens < 1) return false
  bucket.tokens--
  return true
}
