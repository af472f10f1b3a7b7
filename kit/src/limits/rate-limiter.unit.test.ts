import { describe, expect, it } from 'vitest'
import { localLimiter } from './index.ts'

const clock = () => {
  let at = 0
  return {
    now: () => at,
    wait: (ms: number) => {
      at += ms
    },
  }
}

describe('a limiter', () => {
  it('gives each key its own burst and rate, and says what is left and when there is more', () => {
    const { now, wait } = clock()
    const limiter = localLimiter({ perSecond: 10, burst: 2 }, { keys: 10, now })
    expect(limiter.take('ana')).toEqual({ allowed: true, remaining: 1, retryAfterMs: 0, fullAfterMs: 100 })
    expect(limiter.take('ana')).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0, fullAfterMs: 200 })
    expect(limiter.take('ana')).toEqual({
      allowed: false,
      remaining: 0,
      retryAfterMs: 100,
      fullAfterMs: 200,
    })
    expect(limiter.take('ben').allowed).toBe(true)
    wait(60)
    expect(limiter.take('ana')).toMatchObject({ allowed: false, retryAfterMs: 40 })
    wait(40)
    expect(limiter.take('ana').allowed).toBe(true)
  })

  it('takes what costs more at once or not at all', () => {
    const { now, wait } = clock()
    const limiter = localLimiter({ perSecond: 10, burst: 5 }, { keys: 10, now })
    expect(limiter.take('ana', 4)).toMatchObject({ allowed: true, remaining: 1 })
    expect(limiter.take('ana', 3)).toMatchObject({ allowed: false, remaining: 1, retryAfterMs: 200 })
    wait(200)
    expect(limiter.take('ana', 3)).toMatchObject({ allowed: true, remaining: 0 })
    expect(limiter.take('ana', 6).retryAfterMs).toBe(Infinity)
  })

  it('remembers so many keys, and forgets the one that was silent for longest', () => {
    const { now } = clock()
    const limiter = localLimiter({ perSecond: 1, burst: 1 }, { keys: 2, now })
    const allowed = ['ana', 'ben', 'ana', 'eve', 'ana', 'ben'].map((key) => limiter.take(key).allowed)
    expect(allowed).toEqual([true, true, false, true, false, true])
  })
})
