import { expect, test } from 'vitest'
import { parseMetrics, quantileBetween, riseOf, sumOf } from './parse-metrics.ts'
import { startTelemetry } from './telemetry.ts'

test('reads what a process of ours writes', async () => {
  const telemetry = startTelemetry({ service: 'test', sampleRatio: 0 })
  const counter = telemetry.meter.createCounter('letters_total')
  counter.add(2, { to: 'Ana "the\nfirst" \\' })
  counter.add(3, { to: 'Bob, {him}' })
  telemetry.meter.createHistogram('delay', { unit: 's' }).record(0.004)
  const samples = parseMetrics(await telemetry.metrics())
  const labels = samples.filter(({ name }) => name === 'letters_total').map(({ labels: { to } }) => to)
  expect(labels.sort()).toEqual(['Ana "the\nfirst" \\', 'Bob, {him}'])
  expect(sumOf(samples, 'letters_total')).toBe(5)
  expect(sumOf(samples, 'nobody_says_it')).toBeUndefined()
  expect(sumOf(samples, 'process_uptime_seconds')).toBeGreaterThan(0)
  expect(quantileBetween([], samples, 'delay_seconds', 0.5)).toBeCloseTo(0.00375)
  await telemetry.close()
})

test('what is beyond all numbers is read as that', () => {
  const values = parseMetrics('a +Inf\nb -Inf\nc 1e3 1700000000000\n# HELP d none\n').map(
    ({ value }) => value,
  )
  expect(values).toEqual([Infinity, -Infinity, 1_000])
})

test('a counter that fell was begun anew', () => {
  expect([riseOf(10, 15), riseOf(10, 4), riseOf(0, 0)]).toEqual([5, 4, 0])
})

const histogram = (counts: readonly [string, number][]) =>
  counts.map(([le, value]) => ({ name: 'delay_bucket', labels: { le }, value }))

test('a quantile is of what was told between two looks', () => {
  const before = histogram([
    ['0.1', 50],
    ['1', 50],
    ['+Inf', 50],
  ])
  const after = histogram([
    ['0.1', 50],
    ['1', 60],
    ['+Inf', 60],
  ])
  expect(quantileBetween(before, after, 'delay', 0.5)).toBeCloseTo(0.55)
  expect(quantileBetween(before, before, 'delay', 0.5)).toBeUndefined()
  expect(quantileBetween([], [], 'delay', 0.5)).toBeUndefined()
  // The process began anew.
  expect(quantileBetween(after, before, 'delay', 0.5)).toBeCloseTo(0.05)
  expect(
    quantileBetween(
      [],
      histogram([
        ['0.1', 0],
        ['+Inf', 4],
      ]),
      'delay',
      0.99,
    ),
  ).toBe(0.1)
})
