import { expect, it, onTestFinished } from 'vitest'
import { gatherCrowd, liftedLimits } from '../load/crowd.ts'
import { type FaultRecord, makeFaults } from '../load/faults.ts'
import { startGenerator } from '../load/generator.ts'
import { brokenPromises } from '../load/plan.ts'
import { startOwnVeza } from '../stack/veza.ts'

const seed = 20_261_122
const seconds = 24

it('delivers and stores what it acknowledged exactly once, whatever dies meanwhile', async () => {
  const veza = await startOwnVeza('faults', { ...liftedLimits, LOG_LEVEL: 'warn' })
  onTestFinished(() => veza.stop())
  const crowd = await gatherCrowd(veza.endpoints.http, { sockets: 40, rooms: 8, people: 10 })

  let faults: Promise<FaultRecord[]> = Promise.resolve([])
  const generator = startGenerator(
    {
      ws: veza.endpoints.ws,
      databaseUrl: veza.stack.databaseUrls.chat,
      rooms: crowd.rooms,
      sockets: await crowd.sockets(),
      rate: 200,
      seconds,
      warmupSeconds: 0,
      bodyCharacters: 120,
      settleSeconds: 120,
      cuts: 5,
      seed,
    },
    (news) => {
      if (news.type !== 'connected') return
      faults = makeFaults(veza, ['worker', 'kafka', 'worker'], seconds, seed)
      // Awaited below; until then a rejection must not be an unhandled one.
      faults.catch(() => undefined)
    },
  )
  onTestFinished(() => generator.stop())

  const report = await generator.report
  expect((await faults).map(({ fault }) => fault)).toEqual(['worker', 'kafka', 'worker'])
  expect(brokenPromises(report), JSON.stringify(report)).toEqual([])
  expect(report.totals.acknowledged).toBe(200 * seconds + 8)
  expect(report.stored.rows).toBe(report.totals.acknowledged)
  expect(report.reconnects).toBeGreaterThanOrEqual(5)
  expect(report.unrecovered).toBe(0)
})
