import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recordsOf } from './records.ts'
import { type DecodedRecord, decodeRecord, encodeRecord, type RecordToEncode } from './record-format.ts'

const require = createRequire(import.meta.url)
const theirEncode = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (
  record: RecordToEncode,
) => { buffer: Buffer }
const theirDecode = require('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as (
  ...args: Parameters<typeof decodeRecord>
) => Omit<DecodedRecord, 'timestamp'> & { timestamp: string | bigint }
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (buffer: Buffer) => {
  buffer: Buffer
  offset: number
  readVarInt(): number
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const text = fc.string({ unit: 'grapheme', maxLength: 60 })
const either = fc.oneof(bytes, text)
const record: fc.Arbitrary<RecordToEncode> = fc.record({
  offsetDelta: fc.nat({ max: 2_000_000 }),
  timestampDelta: fc.integer({ min: -100_000, max: 2 ** 31 }),
  key: fc.option(either),
  value: fc.option(either),
  // Names that every object has are read wrong by kafkajs; they have a test of their own.
  headers: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !(name in Object.prototype)),
    fc.oneof(either, fc.array(either, { minLength: 2, maxLength: 3 })),
    { maxKeys: 8 },
  ),
})
const context = {
  firstOffset: 5_000_000_000n,
  firstTimestamp: 1_790_000_000_000n,
  magicByte: 2,
  maxTimestamp: 7n,
}
const seed = { seed: 4, numRuns: 500 }

const afterLength = (encoded: Buffer) => {
  const decoder = new Decoder(encoded)
  expect(decoder.readVarInt()).toBe(encoded.length - decoder.offset)
  return decoder
}

test('a record has the very bytes that kafkajs would give it', () => {
  fc.assert(
    fc.property(record, (given) => {
      expect(encodeRecord(given).buffer.equals(theirEncode(given).buffer)).toBe(true)
    }),
    seed,
  )
})

test('a record reads as kafkajs would read it', () => {
  const plain = <R extends Pick<DecodedRecord, 'headers'>>({ headers, ...rest }: R) => ({
    ...rest,
    headers: { ...headers },
  })
  fc.assert(
    fc.property(record, fc.constantFrom(0, 1), (given, timestampType) => {
      const { buffer } = encodeRecord(given)
      const batchContext = { ...context, timestampType }
      const theirs = theirDecode(afterLength(buffer), batchContext)
      // Log append time is a bigint in theirs; whoever reads it takes it for text or a number.
      expect(plain(decodeRecord(afterLength(buffer), batchContext))).toEqual({
        ...plain(theirs),
        timestamp: String(theirs.timestamp),
      })
    }),
    seed,
  )
})

test('headers may be called like what every object has', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const headers = Object.fromEntries(names.map((name) => [name, Buffer.from(`value of ${name}`)]))
  const { buffer } = encodeRecord({ key: 'k', value: 'v', headers })
  const decoded = decodeRecord(afterLength(buffer), context)
  expect(Object.keys(decoded.headers)).toEqual(names)

  const batch = { topic: 't', partition: 0, messages: [decoded] } as unknown as Parameters<
    typeof recordsOf
  >[0]
  const [record] = recordsOf(batch)
  expect(Object.entries(record?.headers ?? {}).map(([name, value]) => [name, value?.toString()])).toEqual(
    names.map((name) => [name, `value of ${name}`]),
  )
})

test('a record that was cut off is an error, not a wrong record', () => {
  const { buffer } = encodeRecord({ key: 'k', value: 'v', headers: {} })
  const cut = buffer.subarray(0, buffer.length - 1)
  expect(() => decodeRecord({ buffer: cut, offset: 1 }, context)).toThrow(RangeError)
})
