import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hyperLogLog } from './index.ts'

const digestOf = (n: number) => createHash('sha256').update(String(n)).digest('hex')
const digests = Array.from({ length: 60_000 }, (_, n) => digestOf(n))

describe('a sketch', () => {
  it.each([0, 1, 2, 10, 100, 1_000, 5_000, 20_000, 60_000])('counts %i nearly', (n) => {
    for (const [bits, error] of [
      [11, 0.023],
      [14, 0.0081],
    ] as const) {
      const sketch = hyperLogLog(bits)
      for (const digest of digests.slice(0, n)) sketch.add(digest)
      expect(Math.abs(sketch.estimate() - n)).toBeLessThanOrEqual(3 * error * n)
    }
  })

  it('takes digests that are written as UUIDs for the same', () => {
    const [plain, hyphened] = [hyperLogLog(6), hyperLogLog(6)]
    for (const digest of digests.slice(0, 1_000)) {
      plain.add(digest)
      hyphened.add(digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'))
    }
    expect(hyphened.toBytes()).toEqual(plain.toBytes())
  })

  it('is the same whatever the order and however often, and so is what several made of parts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { maxLength: 800 }), fc.nat(800), (numbers, cut) => {
        const whole = hyperLogLog(6)
        for (const n of numbers) whole.add(digestOf(n))
        const [one, other] = [hyperLogLog(6), hyperLogLog(6)]
        for (const n of numbers.slice(cut).reverse()) one.add(digestOf(n))
        for (const n of [...numbers.slice(0, cut), ...numbers.slice(0, 5)]) other.add(digestOf(n))
        other.merge(hyperLogLog(6, one.toBytes()))
        expect(other.toBytes()).toEqual(whole.toBytes())
      }),
      { seed: 7, numRuns: 60 },
    )
  })

  it('is small while it has seen few, and comes back from its bytes', () => {
    const sketch = hyperLogLog(11)
    expect(sketch.toBytes()).toHaveLength(1)
    for (const digest of digests.slice(0, 10)) sketch.add(digest)
    expect(sketch.toBytes().length).toBeLessThanOrEqual(31)
    expect(hyperLogLog(11, sketch.toBytes()).estimate()).toBe(10)
    for (const digest of digests) sketch.add(digest)
    expect(sketch.toBytes()).toHaveLength(2_049)
    expect(hyperLogLog(11, sketch.toBytes()).registers).toEqual(sketch.registers)
    expect(sketch.add(digests[0] ?? '')).toBe(false)
  })

  it('refuses what is none, and one of another size', () => {
    expect(() => hyperLogLog(11, Buffer.of(7))).toThrow(RangeError)
    expect(() => hyperLogLog(11, Buffer.of(0, 1, 2))).toThrow(RangeError)
    expect(() => hyperLogLog(4, Buffer.of(1, 255, 255, 3))).toThrow(RangeError)
    expect(() => {
      hyperLogLog(4).merge(hyperLogLog(5))
    }).toThrow(RangeError)
  })
})
