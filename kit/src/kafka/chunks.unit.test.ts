import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Backlog, takeChunk } from './chunks.ts'
import { type ConsumedRecord } from './types.ts'

const backlogOf = (partition: number, sizes: readonly number[]): Backlog => ({
  taken: 0,
  records: sizes.map((size, offset): ConsumedRecord => ({
    topic: 't',
    partition,
    offset,
    timestamp: 0,
    key: null,
    value: Buffer.alloc(size),
    headers: {},
  })),
})

describe('takeChunk', () => {
  it('takes every record once, in order, within the limits, and never nothing', () => {
    const partitions = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 }), {
      maxLength: 6,
    })
    const limits = fc.record({
      maxRecords: fc.integer({ min: 1, max: 20 }),
      maxBytes: fc.integer({ min: 1, max: 200 }),
    })
    fc.assert(
      fc.property(partitions, limits, (sizes, { maxRecords, maxBytes }) => {
        const backlogs = sizes.map((of, partition) => backlogOf(partition, of))
        const seen: ConsumedRecord[] = []
        while (backlogs.some(({ taken, records }) => taken < records.length)) {
          const chunk = takeChunk(backlogs, { maxRecords, maxBytes })
          expect(chunk.length).toBeGreaterThan(0)
          expect(chunk.length).toBeLessThanOrEqual(maxRecords)
          const bytes = chunk.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
          if (chunk.length > 1) expect(bytes).toBeLessThanOrEqual(maxBytes)
          seen.push(...chunk)
        }
        for (const [partition, backlog] of backlogs.entries()) {
          expect(seen.filter((record) => record.partition === partition)).toEqual(backlog.records)
        }
      }),
      { seed: 1 },
    )
  })

  it('gives every partition its share before any more', () => {
    const backlogs = [backlogOf(0, Array<number>(100).fill(1)), backlogOf(1, [1, 1])]
    const chunk = takeChunk(backlogs, { maxRecords: 10, maxBytes: 1000 })
    expect(chunk.filter(({ partition }) => partition === 1)).toHaveLength(2)
    expect(chunk).toHaveLength(10)
  })
})
