import { expect, test } from 'vitest'
import { createHealth } from './index.ts'

test('nothing fails when every check is content', async () => {
  const health = createHealth()
  health.ready('database', () => undefined)
  health.ready('broker', () => Promise.resolve(undefined))
  expect(await health.readiness()).toEqual({})
  expect(await health.liveness()).toEqual({})
})

test('names what fails, what throws and what does not answer', async () => {
  const health = createHealth({ timeoutMs: 5 })
  health.ready('database', () => 'connection refused')
  health.ready('broker', () => Promise.reject(new Error('no leader')))
  health.ready('registry', () => {
    // A check may throw anything.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw 'odd'
  })
  health.ready('cache', () => new Promise(() => undefined))
  health.ready('fine', () => undefined)
  health.live('consumer', () => 'no progress')
  expect(await health.readiness()).toEqual({
    database: 'connection refused',
    broker: 'no leader',
    registry: 'odd',
    cache: 'no answer in 5 ms',
  })
  expect(await health.liveness()).toEqual({ consumer: 'no progress' })
})

test('a process that drains is alive and not ready', async () => {
  const health = createHealth()
  health.drain()
  expect(await health.readiness()).toEqual({ process: 'stopping' })
  expect(await health.liveness()).toEqual({})
})
