import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { openCaches, Overloaded, type Versioned } from './index.ts'
import { createGate } from './gate.ts'
import { type SharedLevel, unknown } from './types.ts'

const ticking = () => {
  let at = 0
  return {
    now: () => at,
    pass: (ms: number) => {
      at += ms
    },
  }
}

const bytes = 1_000_000

describe('a cache', () => {
  const setUp = (options: { ttlMs?: number; maxBytes?: number } = {}) => {
    const clock = ticking()
    const caches = openCaches({ now: clock.now })
    const truth = new Map<string, Versioned<string>>()
    const load = vi.fn((id: string) => Promise.resolve(truth.get(id) ?? { version: 0, value: undefined }))
    const cache = caches.open({ name: 'names', load, maxBytes: bytes, ...options })
    caches.told()
    return { clock, caches, truth, load, cache }
  }

  it('reads once what is asked often, also at once, and what is not there', async () => {
    const { cache, truth, load } = setUp()
    truth.set('a', { version: 3, value: 'Ana' })
    const both = await Promise.all([cache.read('a'), cache.read('a')])
    expect(both).toEqual([truth.get('a'), truth.get('a')])
    expect(await cache.read('a')).toEqual({ version: 3, value: 'Ana' })
    expect(await cache.read('nobody')).toEqual({ version: 0, value: undefined })
    expect(await cache.read('nobody')).toEqual({ version: 0, value: undefined })
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('evicts what is older than it was told, keeps what is as new, and passes over tags of others', async () => {
    const { cache, caches, truth, load } = setUp()
    truth.set('a', { version: 3, value: 'Ana' })
    await cache.read('a')
    caches.changed([
      { tag: 'names:a', version: 3 },
      { tag: 'names:a', version: 1 },
      { tag: 'others:a', version: 9 },
    ])
    await cache.read('a')
    expect(load).toHaveBeenCalledTimes(1)
    truth.set('a', { version: 4, value: 'Anna' })
    caches.changed([{ tag: 'names:a', version: 4 }])
    expect(await cache.read('a')).toEqual({ version: 4, value: 'Anna' })
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('returns, but does not keep, what a read model that is behind has', async () => {
    const { cache, truth, load } = setUp()
    truth.set('a', { version: 3, value: 'Ana' })
    cache.changed('a', 4)
    expect(await cache.read('a')).toEqual({ version: 3, value: 'Ana' })
    truth.set('a', { version: 4, value: 'Anna' })
    expect(await cache.read('a')).toEqual({ version: 4, value: 'Anna' })
    await cache.read('a')
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('reads anew for whoever must see a newer version', async () => {
    const { cache, truth } = setUp()
    truth.set('a', { version: 3, value: 'Ana' })
    await cache.read('a')
    truth.set('a', { version: 4, value: 'Anna' })
    expect((await cache.read('a', 4)).value).toBe('Anna')
    expect((await cache.read('a')).value).toBe('Anna')
  })

  it('keeps a value for its time, what is not there for less, and anything for a second while nobody tells', async () => {
    const { cache, caches, truth, load, clock } = setUp({ ttlMs: 30_000 })
    truth.set('a', { version: 3, value: 'Ana' })
    const loads = async (passed: number, isTold: boolean, id = 'a') => {
      load.mockClear()
      clock.pass(passed)
      if (isTold) caches.told()
      await cache.read(id)
      return load.mock.calls.length
    }
    expect(await loads(0, true)).toBe(1)
    expect(await loads(29_999, true)).toBe(0)
    expect(await loads(1, true)).toBe(1)
    expect(await loads(0, true, 'nobody')).toBe(1)
    expect(await loads(5_000, true, 'nobody')).toBe(1)
    expect(await loads(999, true)).toBe(0)
    expect(await loads(5_000, false)).toBe(1)
    expect(await loads(999, false)).toBe(0)
    expect(await loads(1, false)).toBe(1)
  })

  it('does not keep what was being read when something may have been missed', async () => {
    const { cache, caches, truth, load } = setUp()
    truth.set('a', { version: 3, value: 'Ana' })
    const reading = cache.read('a')
    caches.flush()
    await reading
    await cache.read('a')
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('answers nobody with less than somebody was answered with while they waited', async () => {
    const { cache, load } = setUp()
    let arrive: (found: Versioned<string>) => void = () => undefined
    load.mockReturnValueOnce(new Promise((resolve) => (arrive = resolve)))
    const slow = cache.read('a')
    load.mockResolvedValue({ version: 2, value: 'Anna' })
    expect((await cache.read('a', 2)).version).toBe(2)
    arrive({ version: 1, value: 'Ana' })
    expect(await slow).toEqual({ version: 2, value: 'Anna' })
  })

  it('does not believe others where they have less than was answered or heard of here', async () => {
    const kept = (version: number) =>
      Promise.resolve({
        ...{ generation: '1', atLeast: 0 },
        entry: { version, writtenAt: 0, text: `of ${version}` },
      })
    const get = vi.fn<SharedLevel['get']>().mockResolvedValueOnce(unknown)
    const caches = openCaches({ shared: { get, put: () => Promise.resolve() } })
    const load = vi.fn().mockResolvedValue({ version: 3, value: 'the truth' })
    const form = { write: (_: string, value: string) => value, read: (_: string, text: string) => text }
    const cache = caches.open<string>({ name: 'n', load, maxBytes: bytes, shared: form })
    await cache.read('a')
    caches.flush()
    get.mockReturnValueOnce(kept(2))
    expect((await cache.read('a')).version).toBe(3)
    cache.changed('a', 4)
    load.mockResolvedValue({ version: 4, value: 'the newer truth' })
    get.mockReturnValueOnce(kept(3))
    expect((await cache.read('a')).version).toBe(4)
    caches.flush()
    get.mockReturnValueOnce(kept(4))
    expect((await cache.read('a')).value).toBe('of 4')
  })

  it('holds no more than its bytes', async () => {
    const { cache, truth, load } = setUp({ maxBytes: 10_000 })
    for (let n = 0; n < 20; n++) truth.set(String(n), { version: 1, value: 'x'.repeat(1_000) })
    for (let n = 0; n < 20; n++) await cache.read(String(n))
    load.mockClear()
    for (let n = 0; n < 20; n++) await cache.read(String(n))
    expect(load).toHaveBeenCalledTimes(20)
  })

  it('keeps nothing of what is about to change', async () => {
    const load = vi.fn(() => Promise.resolve({ version: 1, value: 'soon' }))
    const cache = openCaches().open({ name: 'n', load, maxBytes: bytes, keeps: (value) => value !== 'soon' })
    await cache.read('a')
    await cache.read('a')
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('passes on what fails, and keeps nothing of it', async () => {
    const { cache, truth, load } = setUp()
    load.mockRejectedValueOnce(new Error('the database is away'))
    await expect(cache.read('a')).rejects.toThrow('away')
    truth.set('a', { version: 3, value: 'Ana' })
    expect((await cache.read('a')).value).toBe('Ana')
  })

  it('believes a truth that went back, as after a restored backup', async () => {
    const { cache, caches, truth } = setUp()
    truth.set('a', { version: 9, value: 'Anna' })
    await cache.read('a')
    truth.set('a', { version: 3, value: 'Ana' })
    caches.flush()
    expect((await cache.read('a')).value).toBe('Ana')
  })
})

it('a gate lets so many work at once, and refuses what it has no room for', async () => {
  const gate = createGate({ atOnce: 2, waiting: 1 })
  const ends: (() => void)[] = []
  const work = () => gate(() => new Promise<void>((resolve) => ends.push(resolve)))
  const all = [work(), work(), work()]
  expect(ends).toHaveLength(2)
  await expect(work()).rejects.toThrow(Overloaded)
  ends[0]?.()
  await vi.waitFor(() => {
    expect(ends).toHaveLength(3)
  })
  const fails = gate(() => Promise.reject(new Error('no')))
  ends.forEach((end) => {
    end()
  })
  await Promise.all(all)
  await expect(fails).rejects.toThrow('no')
  expect(await gate(() => Promise.resolve('still'))).toBe('still')
})

/** The shared level as its scripts have it, for interleavings that no clock could bring about. */
const modelOf = () => {
  let generation: string | undefined = '1'
  let isAway = false
  let record: { generation: string; version: number; text: string } | undefined
  let inDoubt = false
  let generations = 1
  return {
    level: {
      get: () =>
        Promise.resolve(
          isAway
            ? unknown
            : {
                generation,
                atLeast: record?.version ?? 0,
                entry:
                  record !== undefined && record.generation === generation
                    ? { version: record.version, writtenAt: 0, text: record.text }
                    : undefined,
              },
        ),
      put: (_, entry) => {
        if (!isAway && entry.generation === generation && (record?.version ?? 0) <= entry.version)
          record = entry
        return Promise.resolve()
      },
    } satisfies SharedLevel,
    bury(version: number) {
      if (isAway) inDoubt = true
      else if (record === undefined || record.version < version)
        record = { generation: '', version, text: '' }
    },
    renew() {
      if (isAway) return
      if (inDoubt || generation === undefined) generation = String(++generations)
      inDoubt = false
    },
    lapse() {
      generation = undefined
    },
    lose() {
      record = undefined
      generation = undefined
    },
    away(value: boolean) {
      isAway = value
      if (value) inDoubt = true
    },
  }
}

/**
 * One entity, one edge, and a shared level that another edge fills as well. What happens: somebody reads; the entity
 * changes, which its read model takes in later and the edge is told of later still, once or twice or in another order;
 * entries expire; the shared level loses all, is away and comes back, or is not vouched for.
 */
const happenings = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('read' as const) },
    { weight: 2, arbitrary: fc.constant('read by another edge' as const) },
    { weight: 3, arbitrary: fc.constant('change' as const) },
    { weight: 3, arbitrary: fc.constant('project' as const) },
    { weight: 2, arbitrary: fc.constant('expire' as const) },
    fc.constant('lose' as const),
    fc.constant('away' as const),
    fc.constant('back' as const),
    fc.constant('lapse' as const),
    fc.constant('renew' as const),
    fc.constant('flush' as const),
  ),
  { minLength: 5, maxLength: 60 },
)

it('whoever has seen a version never sees less of the same edge, and at rest everybody sees the newest', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), happenings, async (scheduler, steps) => {
      const shared = modelOf()
      let truth = 0
      let projected = 0
      const clock = ticking()
      const step = <T>(label: string, value: () => T | Promise<T>): Promise<T> =>
        scheduler.schedule(Promise.resolve(), label).then(value)
      // A question takes its way there and back, and is answered in between.
      const level: SharedLevel = {
        get: () => step('get', () => shared.level.get()).then((answer) => step('got', () => answer)),
        put: (tag, entry) => step('put', () => shared.level.put(tag, entry)),
      }
      const load = () =>
        step('load', () => projected).then((version) =>
          step('loaded', () => ({ version, value: version === 0 ? undefined : version })),
        )
      const form = {
        write: (_: string, value: number) => String(value),
        read: (_: string, text: string) => Number(text),
      }
      const edge = () => {
        const caches = openCaches({ shared: level, now: clock.now })
        caches.told()
        const cache = caches.open<number>({ name: 'n', load, maxBytes: bytes, ttlMs: 1_000, shared: form })
        return { caches, cache }
      }
      const [one, other] = [edge(), edge()]
      let seen = 0
      const reads: Promise<void>[] = []
      const read = () => {
        const before = seen
        reads.push(
          one.cache.read('x').then(({ version, value }) => {
            expect(version).toBeGreaterThanOrEqual(before)
            expect(value ?? 0).toBe(version)
            seen = Math.max(seen, version)
          }),
        )
      }
      const tell = (version: number) =>
        step('bury', () => {
          shared.bury(version)
        }).then(() => {
          for (const { caches } of [one, other])
            for (const again of ['once', 'twice'])
              reads.push(
                step(again, () => {
                  caches.changed([{ tag: 'n:x', version }])
                }),
              )
        })
      const act = {
        read,
        'read by another edge': () => reads.push(other.cache.read('x').then(() => undefined)),
        change: () => reads.push(tell(++truth)),
        project: () => (projected = truth),
        expire: () => {
          clock.pass(1_000)
          one.caches.told()
          other.caches.told()
        },
        lose: () => {
          shared.lose()
        },
        away: () => {
          shared.away(true)
        },
        back: () => {
          shared.away(false)
        },
        lapse: () => {
          shared.lapse()
        },
        renew: () => {
          shared.renew()
        },
        flush: () => {
          one.caches.flush()
        },
      }
      for (const happening of steps)
        reads.push(
          step(happening, () => {
            act[happening]()
          }),
        )
      await scheduler.waitIdle()
      await Promise.all(reads)

      projected = truth
      shared.away(false)
      shared.renew()
      await scheduler.waitIdle()
      read()
      other.caches.flush()
      const last = other.cache.read('x')
      await scheduler.waitIdle()
      await Promise.all(reads)
      expect(seen).toBe(truth)
      expect((await last).version).toBe(truth)
    }),
    { seed: 7, numRuns: 100 },
  )
})
