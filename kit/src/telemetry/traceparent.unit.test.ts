import { type SpanContext, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contextOf, traceparent } from './index.ts'

const hex = (digits: number) =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)).filter((text) => !/^0+$/.test(text))

test('what one process writes, another reads', () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.constantFrom(0, 1), (traceId, spanId, traceFlags) => {
      const span: SpanContext = { traceId, spanId, traceFlags }
      const header = traceparent(trace.setSpanContext(ROOT_CONTEXT, span))
      expect(trace.getSpanContext(contextOf(header))).toEqual({ ...span, isRemote: true })
      expect(traceparent(trace.wrapSpanContext(span))).toBe(header)
    }),
    { seed: 3 },
  )
})

const ids = `${'a'.repeat(32)}-${'b'.repeat(16)}`

test.each([
  undefined,
  '',
  'nonsense',
  `00-${ids}`,
  `ff-${ids}-01`,
  `00-${ids}-01-more`,
  `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
  `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
  `00-${ids.toUpperCase()}-01`,
])('the header %s starts a new trace', (header) => {
  expect(contextOf(header)).toBe(ROOT_CONTEXT)
})

test('a later version may append fields and flags', () => {
  expect(trace.getSpanContext(contextOf(`cc-${ids}-03-more`))?.traceFlags).toBe(1)
})

test('no span, no header', () => {
  expect(traceparent(ROOT_CONTEXT)).toBeUndefined()
})
