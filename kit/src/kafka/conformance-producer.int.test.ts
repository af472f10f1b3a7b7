import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { infrastructure } from '../testing/index.ts'
import { createKafka } from './connect.ts'
import { ProduceFailed, QueueFull } from './index.ts'
import {
  silent,
  partitions,
  waiting,
  direct,
  proxied,
  proxy,
  topic,
  group,
  drops,
  record,
  numbersOf,
  range,
  firsts,
  producer,
  collect,
  hooks,
} from './testing/conformance.ts'

hooks()

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
