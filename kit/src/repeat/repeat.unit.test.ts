import { expect, it, vi } from 'vitest'
import { createLog } from '../log/index.ts'
import { repeat } from './repeat.ts'

const log = createLog('test', 'silent')
const hour = 3_600_000

it('works at once, when it is woken, and again while there is more', async () => {
  const answers = [true, true, false, false]
  const work = vi.fn(() => Promise.resolve(answers.shift() ?? false))
  const repeated = repeat('test', { everyMs: hour, log }, work)
  await vi.waitFor(() => {
    expect(work).toHaveBeenCalledTimes(3)
  })
  repeated.wake()
  await vi.waitFor(() => {
    expect(work).toHaveBeenCalledTimes(4)
  })
  await repeated.close()
})

it('works again by itself, after failures too, which it tells', async () => {
  const warn = vi.spyOn(log, 'warn')
  const away = new Error('away')
  const work = vi.fn(() => Promise.reject(away))
  const repeated = repeat('test', { everyMs: 1, log }, work)
  await vi.waitFor(() => {
    expect(work.mock.calls.length).toBeGreaterThan(2)
  })
  await repeated.close()
  expect(warn).toHaveBeenCalledTimes(work.mock.calls.length)
  expect(warn).toHaveBeenLastCalledWith({ err: away, work: 'test' }, expect.anything())
})

it('runs one at a time, once more when it was woken meanwhile, and is waited for', async () => {
  const ends: (() => void)[] = []
  const work = vi.fn(
    () =>
      new Promise<boolean>((resolve) => {
        ends.push(() => {
          resolve(false)
        })
      }),
  )
  const repeated = repeat('test', { everyMs: hour, log }, work)
  repeated.wake()
  repeated.wake()
  expect(work).toHaveBeenCalledTimes(1)
  ends[0]?.()
  await vi.waitFor(() => {
    expect(work).toHaveBeenCalledTimes(2)
  })
  const closed = repeated.close()
  repeated.wake()
  ends[1]?.()
  await closed
  repeated.wake()
  expect(work).toHaveBeenCalledTimes(2)
})
