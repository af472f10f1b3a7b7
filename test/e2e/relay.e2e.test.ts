import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createEventStore, eventStore, VersionConflict } from '@veza/kit/events'
import { headerOf } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { migrate, openDatabase } from '@veza/kit/postgres'
import { testEvent, testTopic, type TestTopic } from '@veza/kit/testing'
import pg from 'pg'
import { expect, inject, it, onTestFinished, vi } from 'vitest'
import { helper } from '../stack/helper-server.ts'
import { collect, openCodec, openKafka } from './kafka.ts'

const waiting = { timeout: 60_000, interval: 100 }
const root = join(import.meta.dirname, '../..')
const log = createLog('e2e', 'fatal')
const keys = Array.from({ length: 8 }, (_, n) => `key-${n}`)

/** A database of the test's own, on the PostgreSQL of the stack. */
const freshDatabase = async (): Promise<string> => {
  const endpoints = JSON.parse(readFileSync(join(inject('veza').dataDir, 'endpoints.json'), 'utf8')) as {
    postgres: string
  }
  const name = `relay_${randomUUID().slice(0, 8)}`
  const client = new pg.Client({ connectionString: endpoints.postgres })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  const url = new URL(endpoints.postgres)
  url.pathname = `/${name}`
  await migrate(url.href, { '001-events': { up: createEventStore } })
  return url.href
}

/** The relay as a process of its own; every context is the one database, of which one relay is the holder. */
const startRelay = (databaseUrl: string): ChildProcess => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'workers/outbox-relay/src/main.ts'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      LOG_LEVEL: 'fatal',
      KAFKA_BROKERS: inject('veza').kafka,
      AUTH_DATABASE_URL: databaseUrl,
      CHAT_DATABASE_URL: databaseUrl,
      USERS_DATABASE_URL: databaseUrl,
      TRACKS_DATABASE_URL: databaseUrl,
      INTERNAL_PORT: '0',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

it('loses and reorders nothing when relays are killed, and Kafka and PostgreSQL restarted under it', async () => {
  const stack = helper(inject('veza').helper)
  const databaseUrl = await freshDatabase()
  const database = openDatabase(databaseUrl, { applicationName: 'test', poolSize: keys.length, log })
  onTestFinished(() => database.close())
  const kafka = openKafka()
  const name = `relay.${randomUUID()}.v1`
  await kafka.admin.createTopics([{ name, partitions: 3, replication: 1, config: {} }])
  const store = eventStore({ topic: { ...testTopic, name } as TestTopic, codec: await openCodec() })
  const records = await collect(kafka, name)
  const seen = (key: string) =>
    records.filter((record) => record.key === key).map((record) => Number(headerOf(record, 'ce_sequence')))

  const versions = new Map(keys.map((key) => [key, 0]))
  const state = { ended: false }
  /** An append whose answer was lost may have been made: the next look at the stream tells. */
  const write = async (key: string): Promise<void> => {
    while (!state.ended) {
      const expectedVersion = versions.get(key) ?? 0
      try {
        const events = [testEvent(key, expectedVersion)]
        const { version } = await store.append(database.db, { stream: key, key, expectedVersion, events })
        versions.set(key, version)
        // The load is a hundred events a second and stream, however fast the machine is.
        await delay(10)
      } catch (error) {
        if (error instanceof VersionConflict) versions.set(key, error.currentVersion)
        else await vi.waitFor(() => (state.ended ? undefined : database.pool.query('select 1')), waiting)
      }
    }
  }
  const relays = [startRelay(databaseUrl), startRelay(databaseUrl)]
  const writing = Promise.all(keys.map(write))
  /** Everything that is committed by now comes through. */
  const caughtUp = async () => {
    const committed = new Map(versions)
    await vi.waitFor(() => {
      for (const [key, version] of committed) expect(new Set(seen(key)).size).toBeGreaterThanOrEqual(version)
    }, waiting)
  }
  const killRelay = async (relay: ChildProcess | undefined) => {
    if (relay === undefined) return
    const exited = once(relay, 'exit')
    relay.kill('SIGKILL')
    await exited
  }

  await vi.waitFor(() => {
    expect(records.length).toBeGreaterThan(keys.length * 10)
  }, waiting)
  // One of the two is the holder: whichever it is, it is killed once, and the other takes over.
  await killRelay(relays[0])
  await caughtUp()
  relays.push(startRelay(databaseUrl))
  await stack.act('kafka', 'kill')
  await stack.act('kafka', 'restart')
  await caughtUp()
  await stack.act('postgres', 'restart')
  await caughtUp()
  await vi.waitFor(async () => {
    const { rows } = await database.pool.query<{ relays: number }>(
      "select count(distinct client_port)::int as relays from pg_stat_activity where application_name like 'outbox-relay%' and datname = current_database()",
    )
    expect(rows[0]?.relays).toBe(2 * 4)
  }, waiting)
  await killRelay(relays[1])
  await caughtUp()
  state.ended = true
  await writing

  for (const key of keys) versions.set(key, await store.currentVersion(database.db, key))
  await caughtUp()
  for (const [key, version] of versions) {
    const sequences = seen(key)
    // A relay that takes over may write again what its predecessor had; never is one left out, or overtaken.
    const firsts = sequences.filter((sequence, index) => sequences.indexOf(sequence) === index)
    expect(firsts).toEqual(Array.from({ length: version }, (_, n) => n + 1))
    for (const [index, sequence] of sequences.entries())
      expect(sequence).toBeLessThanOrEqual((sequences[index - 1] ?? 0) + 1)
  }

  // The stack of the other tests is itself again.
  await vi.waitFor(async () => {
    for (const url of Object.values(inject('veza').internal)) {
      const response = await fetch(`${url}/readyz`)
      expect([url, response.status]).toEqual([url, 200])
    }
  }, waiting)
  await kafka.admin.deleteTopics([name])
}, 180_000)
