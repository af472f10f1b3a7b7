import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLog } from '../log/index.ts'
import { type Run, EnvironmentError, runMain } from './index.ts'

const events = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection'] as const
const listeners = (event: string) => (process as NodeJS.EventEmitter).listeners(event)
let logged: string[] = []
const log = createLog('test', 'info', { write: (line) => void logged.push(line) })
let exits: (number | string | null | undefined)[] = []
let before: Map<string, unknown[]>

beforeEach(() => {
  exits = []
  logged = []
  before = new Map(events.map((event) => [event, listeners(event)]))
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    exits.push(code)
    return undefined as never
  })
})

afterEach(() => {
  for (const event of events) {
    for (const listener of listeners(event)) {
      if (before.get(event)?.includes(listener) === false)
        process.removeListener(event, listener as () => void)
    }
  }
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const exitCode = (code: number): Promise<void> =>
  vi.waitFor(() => {
    expect(exits).toContain(code)
  })

/** A process that is up with parts of these names; what is closed is written down. */
const running = async (parts: Record<string, () => void | Promise<void>>): Promise<Run> => {
  let seen: Run | undefined
  await runMain(
    'test',
    (run) => {
      seen = run
      for (const [part, close] of Object.entries(parts)) run.onStop(part, close)
      return Promise.resolve()
    },
    log,
  )
  if (seen === undefined) throw new Error('main did not run')
  return seen
}

test('a main that is done leaves the process to end by itself', async () => {
  await running({})
  expect(exits).toEqual([])
})

test('SIGTERM closes the parts in reverse order and exits with 0', async () => {
  const closed: string[] = []
  await running({
    database: () => void closed.push('database'),
    listener: async () => {
      await Promise.resolve()
      closed.push('listener')
    },
  })
  process.emit('SIGTERM')
  await exitCode(0)
  expect(closed).toEqual(['listener', 'database'])
})

test('a part that fails to close does not keep the others open', async () => {
  const closed: string[] = []
  await running({
    database: () => void closed.push('database'),
    listener: () => Promise.reject(new Error('stuck')),
  })
  process.emit('SIGINT')
  await exitCode(1)
  expect(closed).toEqual(['database'])
})

test('a second signal ends it at once', async () => {
  await running({ listener: () => new Promise(() => undefined) })
  process.emit('SIGINT')
  process.emit('SIGINT')
  expect(exits[0]).toBe(1)
})

test('a part that never closes is given up', async () => {
  vi.useFakeTimers()
  await running({ listener: () => new Promise(() => undefined) })
  process.emit('SIGTERM')
  vi.advanceTimersByTime(30_000)
  expect(exits).toEqual([1])
  expect(logged.at(-1)).toContain('"part":"listener"')
})

test('an error of main closes what was opened and exits with 1', async () => {
  const closed: string[] = []
  await runMain(
    'test',
    (run) => {
      run.onStop('database', () => void closed.push('database'))
      return Promise.reject(new Error('no broker'))
    },
    log,
  )
  await exitCode(1)
  expect(closed).toEqual(['database'])
})

test('a wrong environment is told in plain lines and exits with 78', async () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  await runMain(
    'test',
    () => Promise.reject(new EnvironmentError(['PORT is missing', 'HOST is missing'])),
    log,
  )
  await exitCode(78)
  expect(written.mock.calls).toEqual([
    ['test: the environment is not right\n  PORT is missing\n  HOST is missing\n'],
  ])
})

test('a failure in the background stops the process once', async () => {
  let closes = 0
  const run = await running({
    database: () => {
      closes++
    },
  })
  run.fail(new Error('consumer crashed'))
  run.fail(new Error('and another thing'))
  await exitCode(1)
  expect(closes).toBe(1)
})
