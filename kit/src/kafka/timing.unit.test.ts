import { describe, expect, it } from 'vitest'
import { backoff, pause, within } from './timing.ts'

describe('within', () => {
  it('passes on what came in time', async () => {
    await expect(within(Promise.resolve(1), 1000, 'it')).resolves.toBe(1)
    await expect(within(Promise.reject(new Error('no')), 1000, 'it')).rejects.toThrow('no')
  })

  it('rejects what did not', async () => {
    await expect(within(new Promise(() => undefined), 1, 'it')).rejects.toThrow('it took longer than 1 ms')
  })
})

describe('pause', () => {
  it('ends at once when it is aborted, before or meanwhile', async () => {
    const abort = new AbortController()
    const pausing = pause(3_600_000, abort.signal)
    abort.abort()
    await pausing
    await pause(3_600_000, abort.signal)
  })
})

describe('backoff', () => {
  it('doubles, with jitter, up to its cap', () => {
    for (const [attempt, full] of [
      [0, 100],
      [3, 800],
      [50, 5000],
    ] as const) {
      const delay = backoff(attempt, 100, 5000)
      expect(delay).toBeGreaterThanOrEqual(full / 2)
      expect(delay).toBeLessThanOrEqual(full)
    }
  })
})
