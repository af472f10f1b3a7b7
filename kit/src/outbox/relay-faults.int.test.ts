import { describe, expect, it, vi } from 'vitest'
import { type Producer } from '../kafka/index.ts'
import { startProxy } from '../kafka/proxy.testing.ts'
import { runRelay } from './index.ts'
import {
  waiting,
  log,
  range,
  kafka,
  proxy,
  overProxy,
  telemetry,
  fresh,
  database,
  relays,
  health,
  relay,
  append,
  expectAll,
  hooks,
} from './testing/relay.ts'

hooks()

describe('when something dies', () => {
  const flow = async (events: number, meanwhile: (n: number) => Promise<void> | void) => {
    for (const n of range(events)) {
      await append(database.db, `s${n % 4}`, Math.floor(n / 4))
      await meanwhile(n)
    }
  }

  it('a relay that stands by takes over from a holder whose session ends', async () => {
    const both = [relay(), relay()]
    await vi.waitFor(() => {
      expect(both.map(({ isHolder }) => isHolder).toSorted()).toEqual([false, true])
    }, waiting)
    const holders = new Set<number>()
    await flow(120, async (n) => {
      if (n % 30 !== 15) return
      const { rows } = await database.pool.query<{ pid: number }>(
        "select pid, pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())",
      )
      for (const { pid } of rows) holders.add(pid)
    })
    expect(holders.size).toBeGreaterThanOrEqual(2)
    await expectAll()
  })

  it('one that stops gives its lock to the next at once', async () => {
    const first = relay()
    await vi.waitFor(() => {
      expect(first.isHolder).toBe(true)
    }, waiting)
    const second = relay()
    await append(database.db, 'a', 0)
    await first.stop()
    await vi.waitFor(() => {
      expect(second.isHolder).toBe(true)
    }, waiting)
    await append(database.db, 'a', 1)
    await expectAll()
  })

  it('a holder that falls silent loses its lock', async () => {
    const sessionTimeoutMs = 300
    const silent = runRelay({
      ...{
        context: 'silent',
        databaseUrl: fresh.url,
        producer: kafka.producer(),
        meter: telemetry.meter,
        health,
        log,
      },
      // Longer silent than its session may be: what a stopped process looks like to the database.
      settings: { sessionTimeoutMs, pollMinMs: 60_000, pollMaxMs: 60_000 },
    })
    relays.push(silent)
    await vi.waitFor(() => {
      expect(silent.isHolder).toBe(true)
    }, waiting)
    const next = relay()
    await vi.waitFor(() => {
      expect(next.isHolder).toBe(true)
    }, waiting)
    await append(database.db, 'a', 0)
    await expectAll()
  })

  it('Kafka connections, produce answers and the broker: nothing is lost or out of order', async () => {
    const producer = overProxy.producer({ requestTimeoutMs: 500, deliveryTimeoutMs: 1_500 })
    relay({}, producer)
    await flow(200, async (n) => {
      if (n === 40 || n === 60) proxy.cut()
      if (n === 80) proxy.loseProduceAnswers(3)
      if (n === 120) await proxy.down(true)
      if (n === 160) await proxy.down(false)
    })
    await expectAll()
  })

  it('a produce that fails for good is tried again in a new session, in order', async () => {
    const failing = kafka.producer()
    let failures = 0
    const producer: Producer = {
      ...failing,
      healthy: true,
      sendAll: (records) =>
        failures++ % 3 === 1 ? Promise.reject(new Error('not acknowledged')) : failing.sendAll(records),
    }
    relay({ settings: { pageEvents: 3 } }, producer)
    await flow(60, () => undefined)
    await expectAll()
    expect(failures).toBeGreaterThan(3)
  })

  it('PostgreSQL connections: it reconnects and goes on from its checkpoint', async () => {
    const url = new URL(fresh.url)
    const network = await startProxy({ host: url.hostname, port: Number(url.port) })
    url.port = String(network.port)
    relay({ databaseUrl: url.href })
    await flow(120, async (n) => {
      if (n % 25 === 10) network.cut()
      if (n === 70) await network.down(true)
      if (n === 100) await network.down(false)
    })
    await expectAll()
    await network.close()
  })

  it('says that it is not ready while it cannot publish, and is again afterwards', async () => {
    const url = new URL(fresh.url)
    const network = await startProxy({ host: url.hostname, port: Number(url.port) })
    url.port = String(network.port)
    await network.down(true)
    relay({ databaseUrl: url.href, settings: { notReadyAfterMs: 0 } })
    await vi.waitFor(async () => {
      expect(Object.keys(await health.readiness())).toEqual(['outbox-test-0'])
    }, waiting)
    await network.down(false)
    await vi.waitFor(async () => {
      expect(await health.readiness()).toEqual({})
      expect(await health.liveness()).toEqual({})
    }, waiting)
    await network.close()
  })
})
