import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBucket, takeToken } from './token-bucket.ts'

const rate = { perSecond: 10, burst: 3 }

describe('a token bucket', () => {
  it('gives its burst at once, then its rate', () => {
    const bucket = createBucket(rate, 0)
    expect([0, 0, 0, 0].map((at) => takeToken(bucket, rate, at))).toEqual([true, true, true, false])
    expect(takeToken(bucket, rate, 99)).toBe(false)
    expect(takeToken(bucket, rate, 100)).toBe(true)
    expect(takeToken(bucket, rate, 100)).toBe(false)
  })

  it('never gives more than burst + rate × time, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 200 })), (steps) => {
        const bucket = createBucket(rate, 0)
        let at = 0
        let forward = 0
        let given = 0
        for (const step of steps) {
          at += step
          forward += Math.max(0, step)
          if (takeToken(bucket, rate, at)) given++
        }
        return given <= rate.burst + (forward * rate.perSecond) / 1000 + 1e-9
      }),
      { seed: 3 },
    )
  })
})
