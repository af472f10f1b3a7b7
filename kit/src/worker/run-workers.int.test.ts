import { freePort, infrastructure } from '../testing/index.ts'
import { string } from '../env/index.ts'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type OpenWorker, runWorkers } from './run-workers.ts'
import { type WorkerCommon } from './types.ts'

const signals = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection'] as const
let exits: unknown[] = []
let listeners: Map<string, unknown[]>

beforeEach(() => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  vi.stubEnv('KAFKA_BROKERS', kafkaBrokers.join(','))
  vi.stubEnv('SCHEMA_REGISTRY_URL', schemaRegistryUrl)
  vi.stubEnv('LOG_LEVEL', 'silent')
  listeners = new Map(signals.map((signal) => [signal, process.rawListeners(signal)]))
  exits = []
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    exits.push(code)
    return undefined as never
  })
})
afterEach(() => {
  for (const signal of signals)
    for (const listener of process.rawListeners(signal))
      if (listeners.get(signal)?.includes(listener) === false)
        process.removeListener(signal, listener as () => void)
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const environment = { COLOUR: string('of its own', 'red') } as const

/** Opens when told; notes what becomes of it. */
const worker = (name: string, events: string[]) => {
  let opened!: () => void
  const gate = new Promise<void>((resolve) => {
    opened = resolve
  })
  let common: WorkerCommon | undefined
  const open: OpenWorker<typeof environment> = async (env, given) => {
    common = given
    events.push(`${name} is to open, ${env.COLOUR}`)
    await gate
    return {
      name,
      stop: () => Promise.resolve(void events.push(`${name} stopped`)),
    }
  }
  return { open, opened, common: () => common }
}

const freshPort = async (): Promise<string> => {
  const port = await freePort()
  vi.stubEnv('INTERNAL_PORT', String(port))
  return `http://127.0.0.1:${port}`
}

it('opens workers one after the other, is ready when the last is open, and stops the last first', async () => {
  const url = await freshPort()
  const events: string[] = []
  const [first, second] = [worker('first', events), worker('second', events)]
  const running = runWorkers('both', environment, [first.open, second.open])
  const ready = async () => (await fetch(`${url}/readyz`)).status
  await vi.waitFor(() => {
    expect(events).toEqual(['first is to open, red'])
  }, 20_000)
  expect(await ready()).toBe(503)
  first.opened()
  await vi.waitFor(() => {
    expect(events).toHaveLength(2)
  })
  expect(await ready()).toBe(503)
  second.opened()
  await running
  expect(await ready()).toBe(200)
  expect(first.common()?.instance).toMatch(new RegExp(`:${new URL(url).port}$`))
  expect((await fetch(`${url}/metrics`)).status).toBe(200)

  process.emit('SIGTERM')
  await vi.waitFor(() => {
    expect(exits).toEqual([0])
  }, 20_000)
  expect(events.slice(2)).toEqual(['second stopped', 'first stopped'])
})

it('ends as a failure when a worker can not go on', async () => {
  await freshPort()
  const events: string[] = []
  const only = worker('only', events)
  only.opened()
  await runWorkers('one', environment, [only.open])
  only.common()?.fail(new Error('for good'))
  await vi.waitFor(() => {
    expect(exits).toEqual([1])
  }, 20_000)
  expect(events).toContain('only stopped')
})
