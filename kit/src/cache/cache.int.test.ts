import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { createLog } from '../log/index.ts'
import { openRedis, type Redis, RedisGone, script } from '../redis/index.ts'
import { startRedis, type TestRedis } from '../testing/index.ts'
import { openCaches, openInvalidator, sharedLevel, type Versioned } from './index.ts'

const log = createLog('test', 'silent')
let server: TestRedis
const closers: (() => void)[] = []

/** A connection of its own, that answers. */
const connect = async (): Promise<Redis> => {
  const redis = openRedis({ REDIS_URL: [server.url], REDIS_CLUSTER: false }, { log })
  if (redis === undefined) throw new Error('a Redis is named')
  closers.push(() => {
    redis.close()
  })
  await vi.waitFor(() => {
    expect(redis.available).toBe(true)
  })
  return redis
}

/** As a Redis that was restarted. */
const forgetAll = script("return redis.call('FLUSHALL')")

const form = { write: (_: string, value: string) => value, read: (_: string, text: string) => text }

/** What is true, how far a read model has come with it, and how often that was asked. */
const truthOf = () => {
  const projected = new Map<string, Versioned<string>>()
  return {
    projected,
    load: vi.fn((id: string) => Promise.resolve(projected.get(id) ?? { version: 0, value: undefined })),
    set: (id: string, version: number) => projected.set(id, { version, value: `${id} at ${version}` }),
  }
}

const edgeOn = (redis: Redis, name: string, load: (id: string) => Promise<Versioned<string>>) => {
  const caches = openCaches({ shared: sharedLevel(redis) })
  caches.told()
  return { caches, cache: caches.open({ name, load, maxBytes: 1_000_000, shared: form }) }
}

beforeAll(async () => {
  server = await startRedis({ maxmemory: '32mb', 'maxmemory-policy': 'allkeys-lru' })
})
afterAll(async () => {
  for (const close of closers) close()
  await server.stop()
})

test('what one process has read another has from Redis, until it is told; unvouched for, nothing of it is believed', async () => {
  const [first, second, third] = [await connect(), await connect(), await connect()]
  const truth = truthOf()
  truth.set('a', 3)
  const one = edgeOn(first, 'shared', truth.load)
  await one.cache.read('a')
  const unvouched = edgeOn(second, 'shared', truth.load)
  await unvouched.cache.read('a')
  expect(truth.load).toHaveBeenCalledTimes(2)

  const invalidator = openInvalidator(third, { log })
  await invalidator.renew()
  one.caches.flush()
  await one.cache.read('a')
  truth.load.mockClear()
  const other = edgeOn(second, 'shared', truth.load)
  expect(await other.cache.read('a')).toEqual({ version: 3, value: 'a at 3' })
  expect(truth.load).not.toHaveBeenCalled()

  // Told in Redis alone: a process that begins now does not find what is old, and does not put there what is behind.
  expect(await invalidator.bury([{ tag: 'shared:a', version: 4 }])).toBe(true)
  const late = edgeOn(first, 'shared', truth.load)
  expect((await late.cache.read('a')).version).toBe(3)
  truth.set('a', 4)
  expect((await late.cache.read('a')).version).toBe(4)
  truth.load.mockClear()
  expect((await edgeOn(second, 'shared', truth.load).cache.read('a')).version).toBe(4)
  expect(truth.load).not.toHaveBeenCalled()
  // Late, and again: what is as new stays.
  await invalidator.bury([
    { tag: 'shared:a', version: 2 },
    { tag: 'shared:a', version: 4 },
  ])
  expect((await edgeOn(second, 'shared', truth.load).cache.read('a')).version).toBe(4)
  expect(truth.load).not.toHaveBeenCalled()
})

test('what changed while Redis was paused is not believed when it goes on, by whoever begins then', async () => {
  const [first, second, third] = [await connect(), await connect(), await connect()]
  const truth = truthOf()
  truth.set('a', 3)
  const invalidator = openInvalidator(third, { log })
  await invalidator.renew()
  const one = edgeOn(first, 'paused', truth.load)
  await one.cache.read('a')

  server.signal('SIGSTOP')
  truth.set('a', 4)
  expect(await invalidator.bury([{ tag: 'paused:a', version: 4 }])).toBe(false)
  one.caches.changed([{ tag: 'paused:a', version: 4 }])
  // Reads go on, from here and from the truth.
  expect((await one.cache.read('a')).version).toBe(4)
  expect((await one.cache.read('b')).value).toBeUndefined()
  await vi.waitFor(async () => {
    await invalidator.renew()
    expect(third.available).toBe(false)
  })
  server.signal('SIGCONT')
  await vi.waitFor(
    async () => {
      expect([first, second, third].map(({ available }) => available)).toEqual([true, true, true])
      await invalidator.renew()
    },
    { timeout: 10_000 },
  )
  // The socket's buffer may have brought the tombstone after all; what counts is that the old entry is not answered.
  expect((await edgeOn(second, 'paused', truth.load).cache.read('a')).version).toBe(4)
})

test('a Redis that was killed comes back empty, and a fill from before it is not kept', async () => {
  const [first, second, third] = [await connect(), await connect(), await connect()]
  const truth = truthOf()
  truth.set('a', 3)
  const invalidator = openInvalidator(third, { log })
  await invalidator.renew()
  let finish: (() => void) | undefined
  const slow = edgeOn(first, 'killed', async (id) => {
    const read = await truth.load(id)
    await new Promise<void>((resolve) => (finish = resolve))
    return read
  })
  const reading = slow.cache.read('a')
  await vi.waitFor(() => {
    expect(finish).toBeDefined()
  })
  await server.kill()
  truth.set('a', 4)
  await invalidator.bury([{ tag: 'killed:a', version: 4 }])
  await server.start()
  await vi.waitFor(
    async () => {
      await invalidator.renew()
      expect([first, second, third].map(({ available }) => available)).toEqual([true, true, true])
    },
    { timeout: 10_000 },
  )
  await invalidator.renew()
  finish?.()
  expect((await reading).version).toBe(3)
  expect((await edgeOn(second, 'killed', truth.load).cache.read('a')).version).toBe(4)
})

test('of three processes on one Redis nobody sees less than they saw, whatever is told when, lost or late', async () => {
  const [first, second, third] = [await connect(), await connect(), await connect()]
  const invalidator = openInvalidator(third, { log })
  await invalidator.renew()
  /** So many turns of the event loop, in which Redis answers others. */
  const jitter = async (turns: number): Promise<void> => {
    for (let n = 0; n < 4 * turns; n++) await turn()
  }
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          what: fc.constantFrom('read', 'read', 'read', 'change', 'flush', 'forget', 'renew'),
          id: fc.constantFrom('a', 'b'),
          edge: fc.nat(1),
          readTurns: fc.nat(3),
          toldTurns: fc.nat(4),
          projectedTurns: fc.nat(4),
        }),
        { minLength: 20, maxLength: 60 },
      ),
      async (steps) => {
        const name = `run${++run}`
        const projected = new Map<string, number>()
        const versions = new Map<string, number>()
        let slowness = 0
        const load = async (id: string): Promise<Versioned<string>> => {
          const version = projected.get(id) ?? 0
          await jitter(slowness)
          return { version, value: version === 0 ? undefined : `${id} at ${version}` }
        }
        const edges = [first, second].map((redis) => ({
          ...edgeOn(redis, name, load),
          seen: new Map<string, number>(),
        }))
        const pending: Promise<unknown>[] = []
        for (const { what, id, edge, readTurns, toldTurns, projectedTurns } of steps) {
          const at = edges[edge]
          if (at === undefined) throw new Error('there are two edges')
          if (what === 'read') {
            slowness = readTurns
            const before = at.seen.get(id) ?? 0
            pending.push(
              at.cache.read(id).then(({ version, value }) => {
                expect(version).toBeGreaterThanOrEqual(before)
                expect(value).toBe(version === 0 ? undefined : `${id} at ${version}`)
                at.seen.set(id, Math.max(version, at.seen.get(id) ?? 0))
              }),
            )
          } else if (what === 'change') {
            const version = (versions.get(id) ?? 0) + 1
            versions.set(id, version)
            const change = { tag: `${name}:${id}`, version }
            pending.push(
              jitter(projectedTurns).then(() => projected.set(id, Math.max(version, projected.get(id) ?? 0))),
              jitter(toldTurns).then(async () => {
                await invalidator.bury([change])
                for (const { caches } of edges) caches.changed([change, change])
              }),
            )
          } else if (what === 'flush') at.caches.flush()
          else if (what === 'forget')
            // On a busy machine it answers too late at times: it has forgotten then, or has not. Either is to be borne.
            pending.push(
              third.run(forgetAll, [`veza:any`], []).catch((error: unknown) => {
                if (!(error instanceof RedisGone)) throw error
              }),
            )
          else pending.push(invalidator.renew())
          if (toldTurns === 0) await Promise.all(pending)
        }
        await Promise.all(pending)
        await invalidator.renew()
        for (const { cache } of edges)
          for (const id of ['a', 'b']) expect((await cache.read(id)).version).toBe(versions.get(id) ?? 0)
      },
    ),
    { seed: 11, numRuns: 25 },
  )
})

test('reads go on while Redis is paused, killed and back and keys change, and nothing stale comes back with it', async () => {
  const [first, second, third] = [await connect(), await connect(), await connect()]
  const invalidator = openInvalidator(third, { log })
  const ids = ['a', 'b', 'c']
  const truth = truthOf()
  /** What whoever reads now has to see at least. */
  const told = new Map<string, number>()
  const edges = [first, second].map((redis) => edgeOn(redis, 'outages', truth.load))
  let reads = 0
  const state = { over: false }
  onTestFinished(() => {
    state.over = true
  })
  const read = async (cache: (typeof edges)[number]['cache'], id: string): Promise<void> => {
    const least = told.get(id) ?? 0
    const { version, value } = await cache.read(id)
    expect(version).toBeGreaterThanOrEqual(least)
    expect(value).toBe(version === 0 ? undefined : `${id} at ${version}`)
    reads++
  }
  const reading = edges.map(async ({ cache, caches }) => {
    for (let n = 0; !state.over; n++) {
      // Now and then it begins anew, and has what Redis has.
      if (n % 5 === 0) caches.flush()
      await read(cache, ids[n % ids.length] ?? '')
      await turn()
    }
  })
  const changing = (async () => {
    for (let version = 1; !state.over; version++)
      for (const id of ids) {
        truth.set(id, version)
        const change = { tag: `outages:${id}`, version }
        await invalidator.bury([change])
        for (const { caches } of edges) {
          caches.told()
          caches.changed([change])
        }
        told.set(id, version)
        await turn()
      }
  })()
  const areThere = (there: boolean) =>
    vi.waitFor(
      async () => {
        await invalidator.renew()
        expect([first, second, third].map(({ available }) => available)).toEqual([there, there, there])
      },
      { timeout: 10_000 },
    )
  const goOn = async () => {
    const so = reads
    await vi.waitFor(() => {
      expect(reads).toBeGreaterThan(so + 100)
    })
  }
  await invalidator.renew()
  for (const isKilled of [false, true, false]) {
    await goOn()
    if (isKilled) await server.kill()
    else server.signal('SIGSTOP')
    await areThere(false)
    await goOn()
    if (isKilled) await server.start()
    else server.signal('SIGCONT')
    await areThere(true)
    // In doubt of what it could not bury, it has begun a new generation by now.
    await invalidator.renew()
    for (const redis of [first, second])
      for (const id of ids) await read(edgeOn(redis, 'outages', truth.load).cache, id)
  }
  state.over = true
  await Promise.all([...reading, changing])

  // And is of use again.
  await edges[0]?.cache.read('a')
  truth.load.mockClear()
  await edgeOn(second, 'outages', truth.load).cache.read('a')
  expect(truth.load).not.toHaveBeenCalled()
})
