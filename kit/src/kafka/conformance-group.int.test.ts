import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { freshGroup } from '../testing/index.ts'
import { type ConsumedRecord, type GroupOptions } from './types.ts'
import {
  silent,
  partitions,
  waiting,
  shortSessionMs,
  direct,
  proxied,
  proxy,
  topic,
  group,
  record,
  numbersOf,
  range,
  firsts,
  producer,
  consume,
  collect,
  committed,
  hooks,
} from './testing/conformance.ts'

hooks()

describe('group consumer', () => {
  it('starts from the beginning or from the end, as told', async () => {
    const sender = await producer()
    await sender.send(record('a', 0))
    const fromEnd = await collect({ fromBeginning: false, groupId: freshGroup() })
    const fromStart = await collect()
    await vi.waitFor(async () => {
      await sender.send(record('a', 1))
      expect(fromEnd.records.length).toBeGreaterThan(0)
      expect(fromStart.records.length).toBeGreaterThan(0)
    }, waiting)
    expect(numbersOf(fromEnd.records, 'a')).not.toContain(0)
    expect(numbersOf(fromStart.records, 'a')[0]).toBe(0)
  })

  it('waits at the end of the topic as long as it is told to, but not when it is to stop', async () => {
    const sender = await producer()
    const chunks: number[] = []
    const patient = await consume({
      gatherMs: 60_000,
      onChunk: (chunk) => {
        chunks.push(chunk.length)
        return Promise.resolve()
      },
    })
    await sender.sendAll(range(150).map((n) => record('a', n)))
    await vi.waitFor(() => {
      expect(chunks).toEqual([150])
    }, waiting)
    for (const n of range(5)) await sender.sendAll([record('a', n + 150)])
    await patient.stop()
    expect(chunks).toEqual([150])
    // What was done is committed, what was waited for is there for the next.
    const { records } = await collect()
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual([150, 151, 152, 153, 154])
    }, waiting)
  })

  it('does not wait where the broker has more than it answered', async () => {
    const sender = await producer()
    // Of a partition a fetch brings a megabyte.
    const body = 'x'.repeat(100_000)
    for (const n of range(40)) await sender.send({ ...record('a', n), value: Buffer.from(body) })
    const received: ConsumedRecord[] = []
    await consume({
      gatherMs: 60_000,
      onChunk: (chunk) => Promise.resolve(void received.push(...chunk)),
    })
    await vi.waitFor(() => {
      expect(received).toHaveLength(40)
    }, waiting)
  })

  it('gathers what all partitions delivered into bounded chunks, one at a time', async () => {
    const sender = await producer()
    await sender.sendAll(range(300).map((n) => record(`key-${n % 20}`, n)))
    const chunks: ConsumedRecord[][] = []
    let atOnce = 0
    await consume({
      maxChunkRecords: 50,
      onChunk: async (chunk) => {
        expect(++atOnce).toBe(1)
        chunks.push(chunk)
        await new Promise(setImmediate)
        atOnce--
      },
    })
    await vi.waitFor(() => {
      expect(chunks.flat()).toHaveLength(300)
    }, waiting)
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBe(50)
    expect(new Set(chunks[0]?.map(({ partition }) => partition)).size).toBe(partitions)
    for (const k of range(20)) {
      const numbers = numbersOf(chunks.flat(), `key-${k}`)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  })

  it('has as many chunks under way as it is told to, of partitions of their own: one that fails holds no other back', async () => {
    const sender = await producer()
    await sender.sendAll(range(300).map((n) => record(`key-${n % 20}`, n)))
    const done: ConsumedRecord[] = []
    const busy = new Set<number>()
    let [inTwo, failing, goesOn] = [0, undefined as Set<number> | undefined, false]
    await consume({
      chunksAtOnce: 2,
      maxChunkRecords: 20,
      onChunk: async (chunk) => {
        const own = new Set(chunk.map(({ partition }) => partition))
        failing ??= own
        for (const partition of own) if (busy.has(partition)) inTwo++
        for (const partition of own) busy.add(partition)
        await new Promise(setImmediate)
        for (const partition of own) busy.delete(partition)
        if (!goesOn && [...own].some((partition) => failing?.has(partition) === true))
          throw new Error('not yet')
        done.push(...chunk)
      },
    })
    const ends = await direct.admin.endOffsets(topic)
    await vi.waitFor(() => {
      const others = ends.filter((_, partition) => failing?.has(partition) === false)
      expect(others.length).toBeGreaterThan(0)
      expect(done).toHaveLength(others.reduce((sum, end) => sum + end, 0))
    }, waiting)
    expect(await committed()).toBeLessThan(300)
    goesOn = true
    await vi.waitFor(async () => {
      expect(done).toHaveLength(300)
      expect(await committed()).toBe(300)
    }, waiting)
    expect(inTwo).toBe(0)
    for (const k of range(20)) {
      const numbers = numbersOf(done, `key-${k}`)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  })

  it('gathers records for those who do not wait for each', async () => {
    const chunks: ConsumedRecord[][] = []
    await consume({
      gatherMs: 1_000,
      onChunk: (chunk) => Promise.resolve(void chunks.push(chunk)),
    })
    const sender = await producer()
    for (const n of range(30)) await sender.send(record('a', n))
    await vi.waitFor(() => {
      expect(chunks.flat()).toHaveLength(30)
    }, waiting)
    // Each was acknowledged before the next one was sent: without gathering there are about as many chunks as records.
    expect(chunks.length).toBeLessThan(10)
    expect(numbersOf(chunks.flat(), 'a')).toEqual(range(30))
  })

  it('goes on after a TypeError in the handler, which stops kafkajs for good', async () => {
    const sender = await producer()
    await sender.send(record('a', 0))
    let calls = 0
    const { records } = await (async () => {
      const seen: ConsumedRecord[] = []
      await consume({
        onChunk: (chunk) => {
          if (++calls <= 2) throw new TypeError('a bug')
          seen.push(...chunk)
          return Promise.resolve()
        },
      })
      return { records: seen }
    })()
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual([0])
    }, waiting)
    await sender.send(record('a', 1))
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual([0, 1])
    }, waiting)
  })

  it('commits what is done at intervals, and on stop what no interval has committed', async () => {
    const sender = await producer()
    await sender.send(record('a', 0))
    const first = await collect({ commitIntervalMs: 20 })
    await vi.waitFor(async () => {
      expect(await committed()).toBe(1)
    }, waiting)
    await first.consumer.stop()
    const second = await collect({ commitIntervalMs: 3_600_000 })
    await sender.sendAll(range(10).map((n) => record('a', n + 1)))
    await vi.waitFor(() => {
      expect(second.records).toHaveLength(10)
    }, waiting)
    expect(await committed()).toBe(1)
    await second.consumer.stop()
    expect(await committed()).toBe(11)
  })

  it('finishes the chunk in flight on stop and leaves the rest', async () => {
    const sender = await producer()
    await sender.sendAll(range(20).map((n) => record('a', n)))
    const seen: ConsumedRecord[] = []
    let release: () => void = () => undefined
    let signal: AbortSignal | undefined
    const consumer = await consume({
      maxChunkRecords: 5,
      commitIntervalMs: 3_600_000,
      onChunk: async (chunk, control) => {
        signal = control.signal
        await new Promise<void>((resolve) => {
          release = resolve
        })
        seen.push(...chunk)
      },
    })
    await vi.waitFor(() => {
      expect(signal).toBeDefined()
    }, waiting)
    const stopping = consumer.stop()
    expect(signal?.aborted).toBe(true)
    release()
    await stopping
    expect(seen).toHaveLength(5)
    expect(await committed()).toBe(5)
  })

  it('stays a member while one chunk takes longer than the session', async () => {
    const sender = await producer()
    await sender.send(record('a', 0))
    const joins: string[] = []
    silent.debug.mockImplementation((_: object, message: string) => {
      if (message === 'Consumer has joined the group') joins.push(message)
    })
    const seen: ConsumedRecord[] = []
    let still: boolean | undefined
    await consume({
      sessionTimeoutMs: shortSessionMs,
      onChunk: async (chunk, control) => {
        if (chunk[0]?.value?.toString() === '0') {
          // It is time itself that would end the session.
          await new Promise((resolve) => setTimeout(resolve, shortSessionMs * 1.5))
        }
        still = chunk.every((r) => control.stillMine(r))
        seen.push(...chunk)
      },
    })
    await vi.waitFor(async () => {
      if (seen.length > 0) await sender.send(record('a', 1))
      expect(seen.length).toBeGreaterThan(1)
    }, waiting)
    expect(numbersOf(seen, 'a').filter((n) => n === 0)).toHaveLength(1)
    expect(still).toBe(true)
    expect(joins).toHaveLength(1)
  })

  it.each([1, 2])(
    'loses nothing and does little twice when a second member joins in the middle of long chunks, %i at once',
    async (chunksAtOnce) => {
      const sender = await producer()
      const keys = range(30).map((k) => `key-${k}`)
      await sender.sendAll(range(600).map((n) => record(keys[n % 30] ?? '', Math.floor(n / 30))))
      const seen: ConsumedRecord[] = []
      const aborted = new Set<AbortSignal>()
      const options: Partial<GroupOptions> & Pick<GroupOptions, 'onChunk'> = {
        ...{ maxChunkRecords: 30, chunksAtOnce },
        onChunk: async (chunk, { signal }) => {
          // The work of a chunk: long beside the join of the second member.
          await new Promise((resolve) => setTimeout(resolve, 100))
          if (signal.aborted) aborted.add(signal)
          seen.push(...chunk)
        },
      }
      await consume(options)
      // Two members of one group in one process: kafkajs would mix their committed offsets in a shared client.
      await consume(options)
      await vi.waitFor(() => {
        expect(firsts(seen)).toHaveLength(600)
      }, waiting)
      expect(aborted.size).toBeGreaterThan(0)
      expect(seen.length).toBeLessThanOrEqual(600 + chunksAtOnce * 30)
      for (const key of keys) expect(numbersOf(firsts(seen), key)).toEqual(range(20))
      await vi.waitFor(async () => {
        expect(await direct.admin.lag(group, [topic])).toBe(0)
      }, waiting)
    },
  )

  it('does not commit what a member did after the group went on without it', async () => {
    const sender = await producer()
    await sender.send(record('a', 0))
    let release: () => void = () => undefined
    let calls = 0
    let mine: boolean | undefined
    await consume(
      {
        sessionTimeoutMs: shortSessionMs,
        onChunk: async ([first], control) => {
          if (++calls > 1 || !first) return
          await new Promise<void>((resolve) => {
            release = resolve
          })
          mine = control.stillMine(first)
          control.signal.throwIfAborted()
        },
      },
      proxied,
    )
    await vi.waitFor(() => {
      expect(calls).toBe(1)
    }, waiting)
    proxy.hang(true)
    const other = await collect()
    await vi.waitFor(() => {
      expect(numbersOf(other.records, 'a')).toEqual([0])
    }, waiting)
    release()
    await vi.waitFor(() => {
      expect(mine).toBe(false)
    }, waiting)
    proxy.hang(false)
    await sender.send(record('a', 1))
    await vi.waitFor(async () => {
      expect(await direct.admin.lag(group, [topic])).toBe(0)
    }, waiting)
  })

  it('takes the place of a member of its name that was lost, long before its session ends', async () => {
    const long = { instance: 'worker@host:1', sessionTimeoutMs: 120_000 }
    const lost = await collect(long, proxied)
    proxy.hang(true)
    const { records } = await collect(long)
    const sender = await producer()
    await sender.sendAll(range(30).map((n) => record(`k${n}`, n)))
    await vi.waitFor(() => {
      expect(records).toHaveLength(30)
    }, waiting)
    expect(lost.records).toEqual([])
    proxy.hang(false)
  })

  it('shares with a member of another name', async () => {
    const one = await collect({ instance: 'worker@host:1' })
    const other = await collect({ instance: 'worker@host:2' })
    const sender = await producer()
    let n = 0
    await vi.waitFor(async () => {
      await sender.sendAll(range(30).map((key) => record(`k${key}`, n++)))
      expect(other.records.length).toBeGreaterThan(0)
      const before = one.records.length
      await sender.sendAll(range(30).map((key) => record(`k${key}`, n++)))
      await vi.waitFor(() => {
        expect(firsts([...one.records, ...other.records])).toHaveLength(n)
      }, waiting)
      expect(one.records.length).toBeGreaterThan(before)
    }, waiting)
  })

  it('survives cut connections and outages without losing a record', async () => {
    const sender = await producer()
    const { records, consumer } = await collect({}, proxied)
    for (const n of range(5)) {
      if (n === 3) {
        await proxy.down(true)
        await sender.send(record('a', n))
        await vi.waitFor(() => {
          expect(consumer.healthy).toBe(false)
        }, waiting)
        await proxy.down(false)
      } else {
        proxy.cut()
        await sender.send(record('a', n))
      }
      await vi.waitFor(() => {
        expect(numbersOf(firsts(records), 'a')).toEqual(range(n + 1))
      }, waiting)
    }
  })

  it('keeps the noise of a first start out of the warnings', async () => {
    const { consumer } = await collect()
    expect(consumer.healthy).toBe(true)
    expect(silent.warn).not.toHaveBeenCalled()
    expect(silent.error).not.toHaveBeenCalled()
  })

  it('tells a lag that is unknown from 0', async () => {
    const sender = await producer(proxied)
    await sender.sendAll(range(7).map((n) => record(`key-${n}`, n)))
    expect(await proxied.admin.lag(group, [topic])).toBe(7)
    await proxy.down(true)
    await expect(proxied.admin.lag(group, [topic])).rejects.toThrow()
    expect(await proxied.admin.check()).toEqual(expect.any(String))
    await proxy.down(false)
    expect(await proxied.admin.lag(group, [topic])).toBe(7)
    expect(await proxied.admin.check()).toBeUndefined()
    await expect(proxied.admin.lag(group, [`nowhere-${randomUUID()}`])).rejects.toThrow()
  })
})
