import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { freshGroup, freshTopic, infrastructure } from '../testing/index.ts'
import { createKafka } from './connect.ts'
import { connectKafka, ProduceFailed, QueueFull } from './index.ts'
import { type Proxy, startProxy } from './proxy.testing.ts'
import { type ConsumedRecord, type GroupOptions, type Kafka } from './types.ts'

const silent = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
const partitions = 3
const waiting = { timeout: 40_000, interval: 20 }
// Short enough for a test, long enough for a busy machine.
const sessionTimeoutMs = 6000

let direct: Kafka
let proxied: Kafka
let proxy: Proxy
let topic: string
let group: string
const drops: (() => Promise<void>)[] = []
const closes: (() => Promise<void>)[] = []

beforeAll(async () => {
  const brokers = infrastructure().kafkaBrokers
  direct = connectKafka(brokers, { clientId: 'test', log: silent })
  const [host = '', port = ''] = brokers[0]?.split(':') ?? []
  proxy = await startProxy({ host, port: Number(port) })
  proxied = createKafka(brokers, { clientId: 'test', log: silent }, () => connect(proxy.port, '127.0.0.1'))
})

beforeEach(async () => {
  vi.clearAllMocks()
  const fresh = await freshTopic({ prefix: 'conformance', partitions })
  drops.push(() => fresh.drop())
  topic = fresh.name
  group = freshGroup()
  return async () => {
    await Promise.all(closes.splice(0).map((close) => close()))
    await direct.admin.deleteGroups([group])
  }
})

afterAll(async () => {
  await Promise.all([direct.close(), proxied.close()])
  await proxy.close()
  await Promise.all(drops.map((drop) => drop()))
})

const record = (key: string, n: number, to = topic) => ({
  topic: to,
  key,
  value: Buffer.from(String(n)),
  headers: { ce_id: `${key}-${n}` },
})

const idOf = ({ headers }: ConsumedRecord) => headers['ce_id']?.toString() ?? ''
const numbersOf = (records: readonly ConsumedRecord[], key: string) =>
  records.filter((r) => r.key === key).map(({ value }) => Number(value?.toString()))
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** The first time that each record was seen, in order. */
const firsts = (records: readonly ConsumedRecord[]) => {
  const seen = new Set<string>()
  return records.filter((r) => !seen.has(idOf(r)) && seen.add(idOf(r)))
}

async function producer(kafka = direct, settings = {}) {
  const created = kafka.producer({ requestTimeoutMs: 2000, ...settings })
  closes.push(() => created.close())
  await Promise.resolve()
  return created
}

async function consume(options: Partial<GroupOptions> & Pick<GroupOptions, 'onChunk'>, kafka = direct) {
  const consumer = await kafka.consume({
    groupId: group,
    topics: [topic],
    fromBeginning: true,
    sessionTimeoutMs,
    ...options,
  })
  closes.push(() => consumer.stop())
  return consumer
}

async function collect(options: Partial<GroupOptions> = {}, kafka = direct) {
  const records: ConsumedRecord[] = []
  const consumer = await consume(
    {
      onChunk: (chunk) => {
        records.push(...chunk)
        return Promise.resolve()
      },
      ...options,
    },
    kafka,
  )
  return { records, consumer }
}

async function tail(kafka = direct, onJoin = () => undefined) {
  const records: ConsumedRecord[] = []
  const consumer = await kafka.consume({
    topics: [topic],
    from: 'end',
    sessionTimeoutMs,
    onJoin,
    onRecords: (more) => void records.push(...more),
  })
  closes.push(() => consumer.stop())
  return { records, consumer }
}

const committed = async () =>
  (await direct.admin.committedOffsets(group, topic)).reduce<number>((sum, offset) => sum + (offset ?? 0), 0)

describe('producer', () => {
  it('keeps the order of every key and writes each record once while many senders coalesce', async () => {
    const { records } = await collect()
    const sender = await producer()
    const keys = range(10).map((k) => `key-${k}`)
    const promises = new Set<Promise<void>>()
    await Promise.all(
      keys.map(async (key) => {
        for (const n of range(200)) {
          promises.add(sender.send(record(key, n)))
          if (n % 50 === 0) await new Promise(setImmediate)
        }
      }),
    )
    await Promise.all(promises)
    expect(promises.size).toBeLessThan(100)
    await vi.waitFor(() => {
      expect(records).toHaveLength(2000)
    }, waiting)
    for (const key of keys) expect(numbersOf(records, key)).toEqual(range(200))
  })

  it('writes nothing twice when the answer to a request is lost', async () => {
    const sender = await producer(proxied)
    await sender.send(record('a', 0))
    const before = proxy.produced
    proxy.loseProduceAnswers(1)
    await Promise.all(range(50).map((n) => sender.send(record('a', n + 1))))
    await sender.send(record('a', 51))
    expect(proxy.produced).toBe(before + 3)
    const { records } = await collect()
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual(range(52))
    }, waiting)
  })

  it('loses and reorders nothing when answers are lost again and again', async () => {
    const sender = await producer(proxied)
    await sender.send(record('a', 0))
    proxy.loseProduceAnswers(3)
    await Promise.all(range(300).map((n) => sender.send(record('a', n + 1))))
    expect(sender.healthy).toBe(true)
    const { records } = await collect()
    await vi.waitFor(() => {
      expect(numbersOf(firsts(records), 'a')).toEqual(range(301))
    }, waiting)
  })

  it('holds on through an outage and sends everything in order after it', async () => {
    const sender = await producer(proxied)
    await sender.send(record('a', 0))
    await proxy.down(true)
    const sending = range(100).map((n) => sender.send(record('a', n + 1)))
    await vi.waitFor(() => {
      expect(sender.healthy).toBe(false)
    }, waiting)
    await proxy.down(false)
    await Promise.all(sending)
    expect(sender.healthy).toBe(true)
    const { records } = await collect()
    await vi.waitFor(() => {
      expect(numbersOf(firsts(records), 'a')).toEqual(range(101))
    }, waiting)
  })

  it('gets over a broker that hangs', async () => {
    const sender = await producer(proxied, { requestTimeoutMs: 500 })
    await sender.send(record('a', 0))
    proxy.hang(true)
    const sending = sender.send(record('a', 1))
    await vi.waitFor(() => {
      expect(sender.healthy).toBe(false)
    }, waiting)
    proxy.hang(false)
    await sending
  })

  it('gives a batch up after deliveryTimeout, then goes on with the next', async () => {
    const sender = await producer(proxied, { deliveryTimeoutMs: 300 })
    await sender.send(record('a', 0))
    await proxy.down(true)
    const failure: unknown = await sender.send(record('a', 1)).catch((error: unknown) => error)
    await proxy.down(false)
    expect(failure).toBeInstanceOf(ProduceFailed)
    expect(failure).toMatchObject({ code: 'timed-out', cause: expect.any(Error) as Error })
    await sender.send(record('a', 2))
  })

  it('refuses one record that is too large and sends its neighbours', async () => {
    const sender = await producer()
    const large = { ...record('a', 1), value: Buffer.alloc(1_100_000) }
    const sending = [sender.send(record('a', 0)), sender.send(large), sender.send(record('a', 2))]
    const results = await Promise.allSettled(sending)
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await expect(sending[1]).rejects.toMatchObject({ code: 'too-large' })
  })

  it('is told by the broker that a record is too large for its topic', async () => {
    const small = `${topic}.small`
    drops.push(() => direct.admin.deleteTopics([small]))
    const config = { 'max.message.bytes': '2000' }
    await direct.admin.createTopics([{ name: small, partitions: 1, replication: 1, config }])
    const sender = await producer()
    const large = { ...record('a', 1, small), value: Buffer.alloc(5000) }
    await expect(sender.send(large)).rejects.toMatchObject({ code: 'too-large' })
    // Together they are beyond the limit, each by itself is not.
    await Promise.all(
      range(5).map((n) => sender.send({ ...record('a', n, small), value: Buffer.alloc(900) })),
    )
    expect(await direct.admin.endOffsets(small)).toEqual([5])
  })

  it('finds topics there as soon as they are created', async () => {
    const prefix = `created-${randomUUID()}`
    const names = range(30).map((n) => `${prefix}-${n}`)
    drops.push(() => direct.admin.deleteTopics(names))
    const created = await direct.admin.createTopics(
      names.map((name) => ({ name, partitions, replication: 1, config: {} })),
    )
    expect(created).toEqual(names)
    expect(await Promise.all(names.map((name) => direct.admin.endOffsets(name)))).toEqual(
      names.map(() => [0, 0, 0]),
    )
  })

  it('refuses records of an unknown topic at once, without creating it, and sends the others', async () => {
    const sender = await producer()
    const nowhere = `nowhere-${randomUUID()}`
    const sending = [
      sender.send(record('a', 0)),
      sender.send(record('a', 1, nowhere)),
      sender.send(record('a', 2)),
    ]
    await expect(sending[1]).rejects.toMatchObject({ code: 'unknown-topic' })
    await Promise.all([sending[0], sending[2]])
    expect(await direct.admin.listTopics()).not.toContain(nowhere)
  })

  it('splits what is too much for one request', async () => {
    const sender = await producer()
    await sender.sendAll(range(20).map((n) => ({ ...record('a', n), value: Buffer.alloc(200_000, n) })))
    const ends = await direct.admin.endOffsets(topic)
    expect(ends.reduce((sum, end) => sum + end)).toBe(20)
  })

  it('is full at once beyond its records or bytes, and has room again afterwards', async () => {
    const sender = await producer(direct, { maxQueuedRecords: 3, maxQueuedBytes: 10_000 })
    const sending = range(3).map((n) => sender.send(record('a', n)))
    await expect(sender.send(record('a', 3))).rejects.toBeInstanceOf(QueueFull)
    await Promise.all(sending)
    await expect(sender.send({ ...record('a', 4), value: Buffer.alloc(20_000) })).rejects.toBeInstanceOf(
      QueueFull,
    )
    await sender.send(record('a', 5))
  })

  it('flushes on close and takes nothing after it', async () => {
    const sender = await producer()
    const sending = range(100).map((n) => sender.send(record('a', n)))
    await sender.close()
    await Promise.all(sending)
    await expect(sender.send(record('a', 100))).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('records', () => {
  it('carries tombstones, missing and binary keys, binary headers', async () => {
    const sender = await producer()
    const binary = Buffer.from([0, 255, 128, 10])
    await sender.sendAll([
      { topic, key: 'tombstone', value: null, headers: {} },
      { topic, key: null, value: Buffer.from('no key'), headers: { binary } },
      { topic, key: binary, value: Buffer.alloc(0), headers: { text: 'tëxt' } },
    ])
    const { records } = await collect()
    await vi.waitFor(() => {
      expect(records).toHaveLength(3)
    }, waiting)
    expect(records.find(({ key }) => key === 'tombstone')).toMatchObject({ value: null, headers: {} })
    expect(records.find(({ key }) => key === null)).toMatchObject({ keyBytes: null, headers: { binary } })
    expect(records.find(({ keyBytes }) => keyBytes?.equals(binary))).toMatchObject({
      value: Buffer.alloc(0),
      headers: { text: Buffer.from('tëxt') },
    })
  })
})

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

  it('gathers records for those who do not wait for each', async () => {
    const chunks: ConsumedRecord[][] = []
    await consume({
      gatherMs: 3_000,
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
      onChunk: async (chunk, control) => {
        if (chunk[0]?.value?.toString() === '0') {
          await new Promise((resolve) => setTimeout(resolve, sessionTimeoutMs * 1.5))
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

  it('loses nothing and does little twice when a second member joins in the middle of long chunks', async () => {
    const sender = await producer()
    const keys = range(30).map((k) => `key-${k}`)
    await sender.sendAll(range(600).map((n) => record(keys[n % 30] ?? '', Math.floor(n / 30))))
    const seen: ConsumedRecord[] = []
    const aborted = new Set<AbortSignal>()
    const options: Partial<GroupOptions> & Pick<GroupOptions, 'onChunk'> = {
      maxChunkRecords: 30,
      onChunk: async (chunk, { signal }) => {
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
    expect(seen.length).toBeLessThanOrEqual(630)
    for (const key of keys) expect(numbersOf(firsts(seen), key)).toEqual(range(20))
    await vi.waitFor(async () => {
      expect(await direct.admin.lag(group, [topic])).toBe(0)
    }, waiting)
  })

  it('does not commit what a member did after the group went on without it', async () => {
    const sender = await producer()
    await sender.send(record('a', 0))
    let release: () => void = () => undefined
    let calls = 0
    let mine: boolean | undefined
    await consume(
      {
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

describe('tail consumer', () => {
  it('sees everything that is produced after consume() resolved and nothing from before', async () => {
    const sender = await producer()
    await sender.sendAll(range(10).map((n) => record('a', n)))
    const { records } = await tail()
    await sender.sendAll(range(10).map((n) => record('a', n + 10)))
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual(range(10).map((n) => n + 10))
    }, waiting)
  })

  it('goes on where it was after losing its connections, its session and its group', async () => {
    const sender = await producer()
    const onJoin = vi.fn()
    const { records } = await tail(proxied, onJoin)
    await sender.send(record('a', 0))
    await vi.waitFor(() => {
      expect(records).toHaveLength(1)
    }, waiting)
    proxy.hang(true)
    // Longer than the session: when it comes back it must join again.
    await new Promise((resolve) => setTimeout(resolve, sessionTimeoutMs * 1.3))
    await sender.sendAll(range(20).map((n) => record('a', n + 1)))
    proxy.hang(false)
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual(range(21))
    }, waiting)
    expect(onJoin.mock.calls.length).toBeGreaterThan(1)
    proxy.cut()
    await sender.send(record('a', 21))
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual(range(22))
    }, waiting)
  })

  it('does not mind a reader that throws', async () => {
    const sender = await producer()
    const seen: number[] = []
    const consumer = await direct.consume({
      topics: [topic],
      from: 'end',
      onRecords(records) {
        seen.push(...numbersOf(records, 'a'))
        throw new TypeError('a bug')
      },
    })
    closes.push(() => consumer.stop())
    await sender.send(record('a', 0))
    await vi.waitFor(() => {
      expect(seen).toEqual([0])
    }, waiting)
    await sender.send(record('a', 1))
    await vi.waitFor(() => {
      expect(seen).toEqual([0, 1])
    }, waiting)
  })

  it('leaves no group behind', async () => {
    const kafka = connectKafka(infrastructure().kafkaBrokers, {
      clientId: `once-${randomUUID()}`,
      log: silent,
    })
    const deleted = vi.spyOn(kafka.admin, 'deleteGroups')
    const consumer = await kafka.consume({ topics: [topic], from: 'end', onRecords: () => undefined })
    await consumer.stop()
    expect(deleted).toHaveBeenCalledTimes(1)
    await expect(deleted.mock.results[0]?.value).resolves.toBeUndefined()
    expect(silent.debug).not.toHaveBeenCalledWith(expect.anything(), 'the group could not be deleted')
    await kafka.close()
  })
})

describe('connections', () => {
  it('wakes up no idle process a thousand times a second', async () => {
    const sender = await producer()
    await sender.send(record('a', 0))
    const timers = vi.spyOn(globalThis, 'setTimeout')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(timers.mock.calls.length).toBeLessThan(30)
    timers.mockRestore()
  })

  it('ends attempts to join that never succeeded', async () => {
    await proxy.down(true)
    const kafka = createKafka(infrastructure().kafkaBrokers, { clientId: 'test', log: silent }, () =>
      connect(proxy.port, '127.0.0.1'),
    )
    const joining = kafka.consume({
      groupId: group,
      topics: [topic],
      fromBeginning: true,
      onChunk: () => Promise.resolve(),
    })
    await Promise.all([expect(joining).rejects.toThrow('stopped before it joined'), kafka.close()])
    await proxy.down(false)
  })
})
