import fc from 'fast-check'
import { expect, it } from 'vitest'
import { missingOf, type Span } from './segments.ts'

const span = fc
  .tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }))
  .map(([from, length]): Span => ({ from, to: from + length }))

const offsetsIn = (spans: readonly Span[]): Set<number> =>
  new Set(spans.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, n) => from + n)))

it('what is missing is what is wanted and not there, in as few pieces as can be', () => {
  fc.assert(
    fc.property(span, fc.array(span, { maxLength: 6 }), (wanted, there) => {
      const missing = missingOf(wanted, there)
      const has = offsetsIn(there)
      expect(offsetsIn(missing)).toEqual(
        new Set([...offsetsIn([wanted])].filter((offset) => !has.has(offset))),
      )
      missing.slice(1).forEach(({ from }, index) => {
        expect(from).toBeGreaterThan(missing[index]?.to ?? Infinity)
      })
    }),
  )
})
