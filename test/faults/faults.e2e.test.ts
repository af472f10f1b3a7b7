import { expect, it } from 'vitest'
import { check } from './check.ts'

it('keeps its promise to everybody, whatever is killed or paused meanwhile', async () => {
  const { faults, report, broken } = await check({ seconds: 40, seed: 20_261_122, rate: 200 })
  expect(broken, JSON.stringify({ faults, report })).toEqual([])
  expect(faults.length).toBeGreaterThanOrEqual(3)
  expect(report.totals.acknowledged + report.totals.abandoned).toBe(report.totals.sent)
  expect(report.stored.rows).toBeGreaterThanOrEqual(report.totals.acknowledged)
  expect(report.reconnects).toBeGreaterThan(0)
}, 400_000)
