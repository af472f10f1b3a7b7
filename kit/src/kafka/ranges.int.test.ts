import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createLog } from '../log/index.ts'
import { freshTopic, infrastructure } from '../testing/index.ts'
import { createKafka } from './connect.ts'
import { connectKafka, type ConsumedRecord, readRanges } from './index.ts'
import { startProxy } from './proxy.testing.ts'

const log = createLog('test', 'silent')
const brokers = infrastructure().kafkaBrokers
const partitions = 3

/** A topic of three partitions with 300 records. */
const open = async () => {
  const { name: topic, drop } = await freshTopic({ prefix: 'ranges', partitions })
  const kafka = connectKafka(brokers, { clientId: 'test', log })
  const producer = kafka.producer()
  onTestFinished(async () => {
    await kafka.close()
    await drop()
  })
  const written = Array.from({ length: 300 }, (_, n) => ({
    ...{ topic, key: `key-${n}`, value: Buffer.from(String(n)), headers: {} },
  }))
  await producer.sendAll(written)
  return { topic, kafka, producer }
}

const numberOf = ({ value }: ConsumedRecord): number => Number(value?.toString())

it('tells what partitions hold, and where a time begins', async () => {
  const { topic, kafka } = await open()
  const ranges = await kafka.admin.offsetRanges(topic)
  expect(ranges.map(({ first }) => first)).toEqual([0, 0, 0])
  expect(ranges.reduce((sum, { end }) => sum + end, 0)).toBe(300)
  const ends = ranges.map(({ end }) => end)
  expect(await kafka.admin.offsetsAt(topic, 0)).toEqual([0, 0, 0])
  expect(await kafka.admin.offsetsAt(topic, Date.now() + 60_000)).toEqual(ends)
})

it('creates and deletes the topics that it has to, and tells of those that are there', async () => {
  const { topic, kafka } = await open()
  const another = {
    name: `${topic}.another`,
    partitions: 1,
    replication: 1,
    config: { 'retention.ms': '60000' },
  }
  const there = { ...another, name: topic }
  expect(await kafka.admin.createTopics([there, another])).toEqual([another.name])
  expect(await kafka.admin.createTopics([there, another])).toEqual([])
  expect(await kafka.admin.endOffsets(topic)).toHaveLength(partitions)
  expect([...(await kafka.admin.rangesOf([another.name, 'no-such-topic']))]).toEqual([
    [another.name, [{ first: 0, end: 0 }]],
  ])
  await kafka.admin.deleteTopics([another.name, 'no-such-topic'])
  await kafka.admin.deleteTopics(['no-such-topic'])
  const left = await kafka.admin.listTopics()
  expect([left.includes(topic), left.includes(another.name)]).toEqual([true, false])
})

it('reads from offsets to offsets, each record once, though connections are cut meanwhile', async () => {
  const { topic, kafka } = await open()
  const [host = '', port = ''] = brokers[0]?.split(':') ?? []
  const proxy = await startProxy({ host, port: Number(port) })
  const proxied = createKafka(brokers, { clientId: 'test', log }, () => connect(proxy.port, '127.0.0.1'))
  onTestFinished(async () => {
    await proxied.close()
    await proxy.close()
  })
  const ends = await kafka.admin.endOffsets(topic)
  const [from, to] = [ends.map(() => 10), ends.map((end) => end - 10)]
  const read: ConsumedRecord[] = []
  let chunks = 0
  await readRanges(proxied, {
    ...{ topic, from, to, maxChunkRecords: 20 },
    onChunk(records) {
      expect(records.length).toBeLessThanOrEqual(20)
      read.push(...records)
      if (++chunks === 3) proxy.cut()
    },
  })
  const wanted = from.flatMap((first, partition) =>
    Array.from({ length: (to[partition] ?? 0) - first }, (_, n) => `${partition}/${first + n}`),
  )
  expect(read.map(({ partition, offset }) => `${partition}/${offset}`).sort()).toEqual(wanted.sort())
  expect(new Set(read.map(numberOf)).size).toBe(wanted.length)
})

it('needs no group for nothing, goes on until it is told to end, and rejects with what its reader rejects with', async () => {
  const { topic, kafka, producer } = await open()
  const ends = await kafka.admin.endOffsets(topic)
  await readRanges(kafka, { topic, from: ends, to: ends, onChunk: () => expect.unreachable() })

  const ending = new AbortController()
  const following: number[] = []
  const done = readRanges(kafka, {
    ...{ topic, from: ends, signal: ending.signal },
    onChunk(records) {
      following.push(...records.map(numberOf))
      if (following.length === 2) ending.abort()
    },
  })
  for (const n of [1000, 1001])
    await producer.send({ topic, key: 'late', value: Buffer.from(String(n)), headers: {} })
  await done
  expect(following).toEqual([1000, 1001])

  const full = new Error('the disk is full')
  await expect(
    readRanges(kafka, { ...{ topic, from: [0, 0, 0], to: ends }, onChunk: () => Promise.reject(full) }),
  ).rejects.toBe(full)
})
