import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { forgetNotices } from './forgetting.ts'

const hour = 60 * 60_000
beforeEach(() => {
  vi.useFakeTimers({ now: 10 * hour })
})
afterEach(() => {
  vi.useRealTimers()
})

it('deletes what is too old, some at a time, and says whether there is more', async () => {
  const prune = vi.fn().mockResolvedValueOnce(5_000).mockResolvedValueOnce(12)
  const forget = forgetNotices({ notices: { prune }, keptMs: 2 * hour })
  expect([await forget(), await forget()]).toEqual([true, false])
  expect(prune.mock.calls).toEqual(Array(2).fill([new Date(8 * hour), 5_000]))
})
