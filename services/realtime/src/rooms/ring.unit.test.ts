import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clearRing, createRing, pushRing, readRing } from './ring.ts'

describe('a ring', () => {
  it('gives exactly what it was given, or nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 0, max: 400 }),
        (first, count, limit, back) => {
          const ring = createRing()
          let bytes = 0
          for (let offset = first; offset < first + count; offset++) {
            bytes += pushRing(ring, offset, `p${offset}`, limit)
          }
          const head = first + count - 1
          const after = Math.max(0, head - back)
          const read = readRing(ring, after, head)
          expect(bytes).toBe(ring.bytes)
          if (read !== undefined) {
            expect(read).toEqual(Array.from({ length: head - after }, (_, index) => `p${after + 1 + index}`))
          } else {
            expect(head - after).toBeGreaterThan(Math.min(limit, count))
          }
        },
      ),
      { seed: 4, numRuns: 500 },
    )
  })

  it('is empty once cleared', () => {
    const ring = createRing()
    pushRing(ring, 1, 'a', 10)
    clearRing(ring)
    expect(ring.bytes).toBe(0)
    expect(readRing(ring, 0, 1)).toBeUndefined()
    expect(readRing(ring, 1, 1)).toEqual([])
  })
})
