import { createLog } from '@veza/kit/log'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { forgetting } from './forgetting.ts'

const hour = 60 * 60_000
const log = createLog('test', 'silent')
beforeEach(() => {
  vi.useFakeTimers({ now: 10 * hour })
})
afterEach(() => {
  vi.useRealTimers()
})

it('deletes all that is too old, some at a time, and again an hour later', async () => {
  const left = [5_000, 5_000, 12, 0]
  const prune = vi.fn(() => Promise.resolve(left.shift() ?? 0))
  const stop = forgetting({ notices: { prune }, keptMs: 2 * hour, log })
  await vi.advanceTimersByTimeAsync(0)
  expect(prune.mock.calls).toEqual(Array(3).fill([new Date(8 * hour), 5_000]))
  await vi.advanceTimersByTimeAsync(hour)
  expect(prune.mock.calls.slice(3)).toEqual([[new Date(9 * hour), 5_000]])
  await stop()
  await vi.advanceTimersByTimeAsync(hour)
  expect(prune).toHaveBeenCalledTimes(4)
})

it('says that it could not, and tries again an hour later', async () => {
  const warn = vi.spyOn(log, 'warn')
  const away = new Error('the database is away')
  const prune = vi.fn().mockRejectedValueOnce(away).mockResolvedValue(0)
  const stop = forgetting({ notices: { prune }, keptMs: hour, log })
  await vi.advanceTimersByTimeAsync(0)
  expect(warn.mock.calls.map(([about]) => about)).toEqual([{ err: away }])
  await vi.advanceTimersByTimeAsync(hour)
  expect(prune).toHaveBeenCalledTimes(2)
  expect(warn).toHaveBeenCalledTimes(1)
  await stop()
})

it('stops after what it is deleting, and waits for that', async () => {
  let deleted: (count: number) => void = () => undefined
  const prune = vi.fn(() => new Promise<number>((resolve) => (deleted = resolve)))
  const stop = forgetting({ notices: { prune }, keptMs: hour, log })
  let stopped = false
  const stopping = stop().then(() => (stopped = true))
  await vi.advanceTimersByTimeAsync(hour)
  expect(stopped).toBe(false)
  deleted(5_000)
  await stopping
  expect(prune).toHaveBeenCalledTimes(1)
})
