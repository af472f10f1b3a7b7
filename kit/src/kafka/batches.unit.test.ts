import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, createBatches } from './batches.ts'
import { ProduceFailed } from './errors.ts'
import { type EncodedRecord } from './record-encoder.ts'

const limits = { maxQueuedRecords: 1000, maxQueuedBytes: 100_000, maxBatchRecords: 7, maxBatchBytes: 500 }
const record = (topic: string, value: string) => ({
  topic,
  key: 'key',
  value: Buffer.from(value),
  headers: {},
})

const drain = (batches: ReturnType<typeof createBatches>) => {
  const all: Batch[] = []
  for (let batch = batches.take(); batch; batch = batches.take()) all.push(batch)
  return all
}

/** Of a record as above: key, value and number of headers, each behind its length. */
const valueOf = ({ slab, start, end }: EncodedRecord) => {
  const length = start + 1 + 'key'.length
  return slab.toString('utf8', (slab[length] ?? 0) < 0x80 ? length + 1 : length + 2, end - 1)
}

const valuesOf = (all: readonly Batch[], topic: string) =>
  all.flatMap(({ parts }) =>
    parts.filter((part) => part.topic === topic).flatMap(({ messages }) => messages.map(valueOf)),
  )

describe('batches', () => {
  it('hold every record once, in the order of each topic, within the limits', () => {
    const sends = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.string({ maxLength: 100 })), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(sends, (records) => {
        const batches = createBatches(limits)
        for (const [topic, value] of records) void batches.add([record(topic, value)])
        const all = drain(batches)
        for (const topic of ['a', 'b', 'c']) {
          expect(valuesOf(all, topic)).toEqual(records.filter(([t]) => t === topic).map(([, value]) => value))
        }
        for (const batch of all) {
          expect(batch.records).toBeLessThanOrEqual(limits.maxBatchRecords)
          expect(batch.bytes).toBeLessThanOrEqual(limits.maxBatchBytes)
          expect(batch.records).toBeGreaterThan(0)
        }
      }),
      { seed: 1 },
    )
  })

  it('give all senders of a topic in a batch one promise', () => {
    const batches = createBatches(limits)
    const [first, second, other] = ['a', 'a', 'b'].map((topic) => batches.add([record(topic, 'x')]))
    expect(first).toBe(second)
    expect(first).not.toBe(other)
  })

  it('queue all or none, and have room again once released', () => {
    const batches = createBatches({ ...limits, maxQueuedRecords: 3 })
    expect(batches.add([record('a', '1'), record('a', '2'), record('a', '3'), record('a', '4')])).toBe('full')
    expect(batches.take()).toBeUndefined()
    void batches.add([record('a', '1'), record('a', '2')])
    expect(batches.add([record('a', '3'), record('a', '4')])).toBe('full')
    const batch = batches.take()
    expect(batches.add([record('a', '3'), record('a', '4')])).toBe('full')
    for (const part of batch?.parts ?? []) batches.release(part)
    expect(batches.add([record('a', '3'), record('a', '4')])).not.toBe('full')
  })

  it('refuse a record that no request could hold', async () => {
    const refused = createBatches(limits).add([record('a', 'x'.repeat(600))])
    await expect(refused).rejects.toThrow(ProduceFailed)
  })

  it('settle with every part of a call', async () => {
    const batches = createBatches({ ...limits, maxBatchRecords: 1 })
    const promise = batches.add([record('a', '1'), record('b', '2')])
    const [first, second] = drain(batches)
    first?.parts[0]?.resolve()
    second?.parts[0]?.reject(new Error('no'))
    await expect(promise).rejects.toThrow('no')
  })

  it('take an empty call for done', async () => {
    await expect(createBatches(limits).add([])).resolves.toBeUndefined()
  })
})
