import { randomUUID } from 'node:crypto'
import { currentRecipe } from '@veza/tracks/store'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { sweepObjects } from './sweep.ts'
import { type JobsUnderTest, jobsUnderTest } from './testing/jobs-under-test.ts'

let veza: JobsUnderTest
beforeAll(async () => {
  veza = await jobsUnderTest()
})
afterEach(() => veza.rest())
afterAll(() => veza.close())

const older = currentRecipe - 1
const waiting = { timeout: 40_000, interval: 20 }
const row = (trackId: string) =>
  veza.db
    .selectFrom('tracks')
    .select(['status', 'media', 'recipe', 'failure'])
    .where('id', '=', trackId)
    .executeTakeFirstOrThrow()

/** A track that was made by the recipe before. */
const madeBefore = async (media: string) => {
  const trackId = await veza.upload({ recipe: older })
  await veza.objects.put(`${media}/master.m3u8`, Buffer.from('#EXTM3U'), 'application/vnd.apple.mpegurl')
  const job = await veza.jobs.claim('before', 60_000)
  if (job?.trackId !== trackId) throw new Error('another job was waiting')
  const stream = { media, recipe: older, durationMs: 1000, loudness: -20, truePeak: -6, gain: 5 }
  await veza.jobs.settle(job, { type: 'made', stream }, new Date())
  return trackId
}
const askAnew = (trackId: string, recipe = currentRecipe) =>
  veza.tracks.execute(veza.db, trackId, {
    ...{ type: 'request-transcode', recipe, priority: 'catalogue', at: new Date() },
  })
const digest = () => randomUUID().replaceAll('-', '').repeat(2)

it('a track that is made anew is heard all the while, behind new uploads, and its old stream for a day more', async () => {
  const media = `media/${digest()}`
  const trackId = await madeBefore(media)
  await askAnew(trackId)
  expect(await row(trackId)).toMatchObject({ status: 'ready', media, recipe: older })
  const upload = await veza.upload()
  const order: string[] = []
  veza.runner({
    progressOf: (job) => {
      order.push(job.trackId)
      return () => undefined
    },
  })
  await vi.waitFor(async () => {
    expect(await row(trackId)).toMatchObject({ status: 'ready', recipe: currentRecipe })
  }, waiting)
  expect(order).toEqual([upload, trackId])
  expect((await row(trackId)).media).not.toBe(media)
  expect(await veza.history(trackId)).toEqual([
    'TrackUploaded',
    ...['TranscodeRequested', 'TrackReady', 'TranscodeRequested', 'TrackReady'],
  ])
  const sweepAt = (hours: number) =>
    sweepObjects({ ...veza, now: () => new Date(Date.now() + hours * 3_600_000) })()
  expect(await sweepAt(0)).toEqual([])
  expect(await veza.objects.head(`${media}/master.m3u8`)).toBeDefined()
  expect(await sweepAt(25)).toEqual([media])
})

it('a track that cannot be made anew stays what it was', async () => {
  const media = `media/${digest()}`
  const trackId = await madeBefore(media)
  await askAnew(trackId)
  await veza.replace('ffmpeg', 'exit 1')
  veza.runner()
  await vi.waitFor(async () => {
    expect(await veza.job(trackId)).toMatchObject({ state: 'failed', last_error: 'corrupt' })
  }, waiting)
  expect(await row(trackId)).toEqual({ status: 'ready', media, recipe: older, failure: null })
})

it('a worker that does not know a recipe yet leaves its jobs to those that do', async () => {
  const trackId = await madeBefore(`media/${digest()}`)
  await askAnew(trackId, currentRecipe + 1)
  expect(await veza.jobs.claim('old code', 60_000, currentRecipe)).toBeUndefined()
  expect(await veza.jobs.claim('new code', 60_000, currentRecipe + 1)).toMatchObject({ trackId })
})
