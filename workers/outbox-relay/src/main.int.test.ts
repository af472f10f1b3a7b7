import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connectCodec } from '@veza/contracts'
import { createEventStore, eventStore } from '@veza/kit/events'
import { type ConsumedRecord, connectKafka, headerOf } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { migrate, openDatabase } from '@veza/kit/postgres'
import {
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  testEvent,
  testTopic,
  type TestTopic,
} from '@veza/kit/testing'
import { expect, it, onTestFinished, vi } from 'vitest'

const waiting = { timeout: 40_000, interval: 50 }
const log = createLog('test', 'silent')
const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** The relay as a process of its own. */
const start = async (databaseUrl: string) => {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', main], {
    env: {
      PATH: process.env['PATH'],
      KAFKA_BROKERS: infrastructure().kafkaBrokers.join(','),
      AUTH_DATABASE_URL: databaseUrl,
      CHAT_DATABASE_URL: databaseUrl,
      USERS_DATABASE_URL: databaseUrl,
      TRACKS_DATABASE_URL: databaseUrl,
      INTERNAL_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()))
  const port = await vi.waitFor(() => {
    const [, found] = /"port":(\d+),"msg":"relaying"/.exec(output) ?? []
    if (found === undefined) throw new Error('it does not listen yet')
    return found
  }, waiting)
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  return {
    child,
    ready: async () => (await ask('/readyz')).includes('"ok"'),
    // All contexts name one database here, and so one lock.
    holds: async () => /outbox_relay_holder{[^}]*} 1/.test(await ask('/metrics')),
    async end(signal: NodeJS.Signals): Promise<number | null> {
      const exited = once(child, 'exit')
      child.kill(signal)
      const [code] = (await exited) as [number | null]
      return code
    },
  }
}

it('is taken over from when it is killed or stopped, and loses nothing', async () => {
  const codec = await connectCodec(infrastructure().schemaRegistryUrl)
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrate(fresh.url, { '001-events': { up: createEventStore } })
  const database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 2, log })
  onTestFinished(() => database.close())
  const { name, drop } = await freshTopic({ prefix: 'outbox', partitions: 2 })
  onTestFinished(() => drop())
  const store = eventStore({ topic: { ...testTopic, name } as TestTopic, codec })

  const kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const seen: ConsumedRecord[] = []
  await kafka.consume({
    ...{ groupId: freshGroup(), topics: [name], fromBeginning: true },
    onChunk: (chunk) => {
      seen.push(...chunk)
      return Promise.resolve()
    },
  })
  let version = 0
  const append = async () => {
    const events = [testEvent('tick', version)]
    ;({ version } = await store.append(database.db, {
      stream: 'a',
      key: 'a',
      expectedVersion: version,
      events,
    }))
  }
  const expectAll = () =>
    vi.waitFor(() => {
      const sequences = new Set(seen.map((record) => Number(headerOf(record, 'ce_sequence'))))
      expect([...sequences]).toEqual(Array.from({ length: version }, (_, n) => n + 1))
    }, waiting)

  const first = await start(fresh.url)
  await vi.waitFor(async () => {
    expect([await first.holds(), await first.ready()]).toEqual([true, true])
  }, waiting)
  const second = await start(fresh.url)
  await append()
  await expectAll()
  expect(await second.holds()).toBe(false)

  // Stopped, not ended: its connections stay, and its silence is what costs it the lock.
  first.child.kill('SIGSTOP')
  await append()
  await expectAll()
  expect(await second.holds()).toBe(true)
  first.child.kill('SIGCONT')

  for (let n = 0; n < 50; n++) {
    if (n === 25) await second.end('SIGKILL')
    await append()
  }
  await expectAll()
  await vi.waitFor(async () => {
    expect(await first.holds()).toBe(true)
  }, waiting)
  expect(await first.end('SIGTERM')).toBe(0)
}, 120_000)
