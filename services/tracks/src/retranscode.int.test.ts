import { expect, it } from 'vitest'
import { catalogueProgress, retranscode } from './commands/retranscode.ts'
import { type Job, openTracks } from './store.ts'
import {
  claimed,
  database,
  jobs,
  leaseMs,
  made,
  readyTrack,
  uploaded,
  veza,
  hooks,
} from './testing/tracks-and-jobs.ts'

hooks()

it('asks for streams by another recipe behind new uploads, once each, and again for those that failed only when told to', async () => {
  const ana = await veza.person()
  const [one, two] = [await readyTrack(ana), await readyTrack(ana)]
  // Its file is of no use: it has no stream at all.
  const broken = await uploaded(ana)
  await jobs.settle(await claimed(broken), { type: 'not-made', code: 'corrupt' }, new Date())
  const recipe = 1_000
  const run = retranscode(database.db, openTracks(veza.codec), () => new Date(), recipe)
  const progress = catalogueProgress(database.db, recipe)
  const told: number[] = []
  expect(await run({ again: false, onAsked: (asked) => told.push(asked) })).toBe(2)
  expect([told, await run({ again: false })]).toEqual([[2], 0])
  expect(await progress()).toEqual({ made: 0, waiting: 2, failed: 0 })

  const fresh = await uploaded(ana)
  const claim = () => jobs.claim('test', leaseMs, recipe)
  expect((await claim())?.trackId).toBe(fresh)
  for (const job of [await claim(), await claim()])
    await jobs.settle(
      job as Job,
      job?.trackId === one ? made(recipe) : { type: 'not-made', code: 'corrupt' },
      new Date(),
    )
  expect(await progress()).toEqual({ made: 1, waiting: 0, failed: 1 })
  // Its older stream is heard all the while.
  expect((await ana.call('GET', `/v1/tracks/${two}`)).body).toMatchObject({ status: 'ready' })
  expect(await run({ again: false })).toBe(0)
  await ana.call('DELETE', `/v1/tracks/${fresh}`)
  expect(await run({ again: true })).toBe(2)
  expect((await progress()).waiting).toBe(2)
})
