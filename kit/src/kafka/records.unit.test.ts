import { createRequire } from 'node:module'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest'
import { decodeMessages, FetchedBatch, type FetchedRecord } from './fetched.ts'
import { murmur2 } from './murmur2.ts'
import { groupByPartition, produceRequest, type ProduceRequest, sizeOf } from './produce-request.ts'
import { createRecordEncoder } from './record-encoder.ts'
import { headerOf } from './records.ts'
import { type OutgoingRecord } from './types.ts'

/** kafkajs' own modules, which kafkajs.ts replaces. */
interface Originals {
  readonly produce: (request: object) => { encode(): Promise<{ buffer: Buffer }> }
  readonly decode: (decoder: object) => Promise<Theirs[]>
  readonly murmur2: (key: Buffer | string) => number
  readonly Batch: new (topic: string, fetchedOffset: string, data: object) => Record<string, unknown>
  readonly Decoder: new (bytes: Buffer) => Parameters<typeof decodeMessages>[0]
}
interface Theirs {
  readonly offset: string
  readonly timestamp: string | bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Record<string, Buffer>
}

const require = createRequire(import.meta.url)
let theirs: Originals

beforeAll(() => {
  // A test file before this one may have loaded ours in their place.
  for (const path of Object.keys(require.cache))
    if (path.includes('kafkajs')) Reflect.deleteProperty(require.cache, path)
  const source = (path: string): unknown => require(`kafkajs/src/${path}`)
  theirs = {
    produce: source('protocol/requests/produce/v3/request.js'),
    decode: source('protocol/requests/fetch/v4/decodeMessages.js'),
    murmur2: source('producer/partitioners/default/murmur2.js'),
    Batch: source('consumer/batch.js'),
    Decoder: source('protocol/decoder.js'),
  } as Originals
})
afterEach(() => {
  vi.useRealTimers()
})

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const text = fc.string({ unit: 'grapheme', maxLength: 90 })
const either = fc.oneof(bytes, text)
const record: fc.Arbitrary<OutgoingRecord> = fc.record({
  topic: fc.constant('t'),
  key: fc.option(either),
  value: fc.option(bytes),
  // Names that every object has are read wrong by kafkajs; they have a test of their own.
  headers: fc.dictionary(
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((name) => !(name in Object.prototype)),
    either,
    { maxKeys: 8 },
  ),
})
const records = fc.array(record, { minLength: 1, maxLength: 40 })
const seed = { seed: 4, numRuns: 300 }
const at = 1_790_000_000_000

const encodeAll = (given: readonly OutgoingRecord[]) => {
  const encoder = createRecordEncoder()
  return given.map((one) => encoder.encode(one))
}

const request = (messages: ProduceRequest['topicData'][0]['partitions'][0]['messages']) =>
  ({
    acks: -1,
    timeout: 10_000,
    producerId: '4398046511105',
    producerEpoch: 3,
    topicData: [{ topic: 'tøpic', partitions: [{ partition: 2, firstSequence: 77, messages }] }],
  }) satisfies ProduceRequest

/** A partition's share of a fetch, as a broker would give it back: the batch behind its length. */
const fetchOf = async (given: readonly OutgoingRecord[]) => {
  const { buffer } = await produceRequest(request(encodeAll(given))).encode()
  // Everything before it: 12 bytes, the topic's name, the number of partitions, the partition.
  return buffer.subarray(12 + 2 + Buffer.byteLength('tøpic') + 4 + 4)
}
const decodeOurs = (share: Buffer) => decodeMessages(new theirs.Decoder(share))

describe('a produce request', () => {
  it('has the very bytes that kafkajs would give it', async () => {
    vi.useFakeTimers({ now: at, toFake: ['Date'] })
    await fc.assert(
      fc.asyncProperty(records, async (given) => {
        const ours = await produceRequest(request(encodeAll(given))).encode()
        const original = await theirs
          .produce({
            ...request([]),
            topicData: [
              { topic: 'tøpic', partitions: [{ partition: 2, firstSequence: 77, messages: given }] },
            ],
          })
          .encode()
        expect(ours.buffer.equals(original.buffer)).toBe(true)
      }),
      seed,
    )
  })

  it('takes no more of a record than was counted for it', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (given) => {
        const encoded = encodeAll(given)
        const empty = (await produceRequest(request([])).encode()).buffer.length
        const { length } = (await produceRequest(request(encoded)).encode()).buffer
        expect(length - empty).toBeLessThanOrEqual(encoded.reduce((sum, one) => sum + sizeOf(one), 0))
      }),
      seed,
    )
  })

  it('holds records that are larger than a slab', async () => {
    const value = Buffer.alloc(700_000, 'x')
    const [decoded] = await decodeOurs(await fetchOf([{ topic: 't', key: 'k', value, headers: {} }]))
    expect(decoded?.value?.equals(value)).toBe(true)
  })
})

describe('a partition', () => {
  it('is chosen by the hash of the Java client', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          text.map((key) => Buffer.from(key)),
        ),
        (key) => {
          expect(murmur2(key)).toBe(theirs.murmur2(key))
        },
      ),
      seed,
    )
  })

  it('stays the same for a record that is sent again, with a key or without', () => {
    const given = [...Array(20).keys()].map((n) => ({
      topic: 't',
      key: n % 2 ? null : `k${n % 5}`,
      value: null,
      headers: {},
    }))
    const messages = encodeAll(given)
    const partitionMetadata = Array(6).fill({})
    const groups = groupByPartition({ partitionMetadata, messages })
    expect(groupByPartition({ partitionMetadata, messages })).toEqual(groups)
    expect(Object.values(groups).flat()).toHaveLength(20)
  })
})

describe('a fetched record', () => {
  it('reads as kafkajs would read it', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (given) => {
        const share = await fetchOf(given)
        const originals = await theirs.decode(new theirs.Decoder(share))
        const ours = await decodeOurs(share)
        const plain = originals.map(({ offset, timestamp, key, value, headers }) => ({
          offset: Number(offset),
          timestamp: Number(timestamp),
          key: key === null ? null : key.toString(),
          keyBytes: key,
          value,
          headers: { ...headers },
        }))
        expect(
          ours.map(({ offset, timestamp, key, keyBytes, value, headers }) => ({
            offset,
            timestamp,
            key,
            keyBytes,
            value,
            headers: { ...headers },
          })),
        ).toEqual(plain)
        for (const one of ours)
          for (const name of ['absent', ...Object.keys(one.headers)])
            if (/^[\x20-\x7e]+$/.test(name)) expect(headerOf(one, name)).toBe(one.headers[name]?.toString())
      }),
      seed,
    )
  })

  it('may have headers that are called like what every object has', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    const headers = Object.fromEntries(names.map((name) => [name, `value of ${name}`]))
    const [decoded] = await decodeOurs(await fetchOf([{ topic: 't', key: null, value: null, headers }]))
    expect(Object.entries(decoded?.headers ?? {}).map(([name, value]) => [name, value?.toString()])).toEqual(
      Object.entries(headers),
    )
  })

  it('is an error when it was cut off, not a wrong record', async () => {
    const share = await fetchOf([{ topic: 't', key: 'k', value: Buffer.from('value'), headers: {} }])
    const cut = Buffer.concat([share.subarray(0, share.length - 6), Buffer.alloc(6, 0xff)])
    await expect(decodeOurs(cut).then(([one]) => one?.headers)).rejects.toThrow(RangeError)
  })

  it('of a batch that was cut off is left for the next fetch', async () => {
    const share = await fetchOf([{ topic: 't', key: 'k', value: Buffer.from('value'), headers: {} }])
    const whole = share.subarray(4)
    const size = Buffer.alloc(4)
    size.writeInt32BE(2 * whole.length - 1)
    const decoded = await decodeOurs(Buffer.concat([size, whole, whole.subarray(0, whole.length - 1)]))
    expect(decoded).toHaveLength(1)
  })

  it('of nothing is none', async () => {
    expect(await decodeOurs(Buffer.alloc(4))).toEqual([])
  })
})

test('a batch says of itself what kafkajs would say', async () => {
  const share = await fetchOf(
    [...Array(5).keys()].map((n) => ({ topic: 't', key: `${n}`, value: null, headers: {} })),
  )
  const questions = [
    'isEmpty',
    'isEmptyIncludingFiltered',
    'isEmptyDueToFiltering',
    'isEmptyControlRecord',
    'isEmptyDueToLogCompactedMessages',
    'firstOffset',
    'lastOffset',
    'offsetLag',
    'offsetLagLow',
  ] as const
  for (const from of ['0', '3', '9'])
    for (const keep of [5, 1, 0]) {
      const ours = (await decodeOurs(share)).slice(0, keep)
      const original = (await theirs.decode(new theirs.Decoder(share))).slice(0, keep)
      const data = { partition: 1, highWatermark: '12', abortedTransactions: [] }
      const batch = new FetchedBatch('t', from, { ...data, messages: ours })
      const theirBatch = new theirs.Batch('t', from, { ...data, messages: original })
      for (const question of questions)
        expect([question, batch[question]()]).toEqual([
          question,
          (theirBatch[question] as () => unknown).call(theirBatch),
        ])
      expect(batch.messages.map(({ offset }) => String(offset))).toEqual(
        (theirBatch['messages'] as Theirs[]).map(({ offset }) => offset),
      )
      for (const one of batch.messages) expect(one).toMatchObject({ topic: 't', partition: 1 })
    }
})

test('records of a transaction that was aborted, and the marks of transactions, are not shown', async () => {
  const share = await fetchOf(
    [...Array(4).keys()].map((n) => ({ topic: 't', key: `${n}`, value: null, headers: {} })),
  )
  const [a, b, c, d] = await decodeOurs(share)
  const as = (one: FetchedRecord | undefined, changed: object) =>
    Object.assign(one ?? {}, changed) as FetchedRecord
  const messages = [
    as(a, { batchContext: { producerId: '7', inTransaction: true } }),
    as(b, { batchContext: { producerId: '8', inTransaction: true } }),
    as(c, { batchContext: { producerId: '8', inTransaction: false } }),
    as(d, { isControlRecord: true }),
  ]
  const abortedTransactions = [{ producerId: '8', firstOffset: '1' }]
  const batch = new FetchedBatch('t', '0', {
    partition: 0,
    highWatermark: '4',
    abortedTransactions,
    messages,
  })
  expect(batch.messages.map(({ offset }) => offset)).toEqual([0, 2])
})
