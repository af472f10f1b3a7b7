import { randomUUID } from 'node:crypto'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sweepWorkFolders } from '@veza/kit/media'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { sweepObjects } from './sweep.ts'
import { type JobsUnderTest, jobsUnderTest } from './testing/jobs-under-test.ts'
import { workFolder } from './work-on.ts'

let veza: JobsUnderTest
beforeAll(async () => {
  veza = await jobsUnderTest()
})
afterAll(() => veza.close())

const hour = 60 * 60 * 1000
const [long, start] = [new Date(Date.now() - 1_000 * hour), Date.now()]
let now = start
const sweep = () => sweepObjects({ ...veza, now: () => new Date(now) })()

const put = async (key: string, modifiedAt = long) => {
  await veza.objects.put(key, Buffer.from(key), 'audio/mp4')
  await utimes(join(veza.dir, 'objects', key), modifiedAt, modifiedAt)
}
const digest = () => randomUUID().replaceAll('-', '').repeat(2)
const isThere = async (key: string) => (await veza.objects.head(key)) !== undefined

it('removes what no track has had for a day, and nothing else', async () => {
  const trackId = await veza.upload()
  veza.runner()
  const media = (await vi.waitFor(async () => {
    const found = await veza.mediaOf(trackId)
    expect(found).not.toBeNull()
    return found
  }, 40_000)) as string
  await veza.rest()
  const cover = randomUUID()
  await veza.tracks.execute(veza.db, trackId, {
    ...{ type: 'change-cover', cover, at: new Date() },
    actor: await veza.ownerOf(trackId),
  })
  const orphan = `media/${digest()}`
  const [source, picture] = [`sources/${digest()}`, `covers/${randomUUID()}`]
  await put(`covers/${cover}/96.webp`)
  await put(`${picture}/96.webp`)
  await put(source)
  for (const file of ['96k/0000.m4s', '96k/index.m3u8', 'track.json']) await put(`${orphan}/${file}`)

  expect(await sweep(), 'nothing has been seen to be unused for a day').toEqual([])
  now = start + 23 * hour
  expect(await sweep()).toEqual([])
  now = start + 25 * hour
  expect((await sweep()).sort()).toEqual([orphan, source, picture].sort())
  for (const key of [`${orphan}/96k/0000.m4s`, `${orphan}/track.json`, source, `${picture}/96.webp`])
    expect(await isThere(key), key).toBe(false)
  for (const key of [`${media}/master.m3u8`, `${media}/96k/0000.m4s`, `covers/${cover}/96.webp`])
    expect(await isThere(key), key).toBe(true)
  expect(await sweep()).toEqual([])

  // A track that is deleted is heard to its end by those who hear it, and its objects go a day later.
  const actor = await veza.ownerOf(trackId)
  await veza.tracks.execute(veza.db, trackId, { type: 'delete', actor, at: new Date() })
  now = start + 1_000 * hour
  expect(await sweep()).toEqual([])
  expect(await isThere(`${media}/master.m3u8`)).toBe(true)
  now = start + 1_025 * hour
  expect(await sweep()).toContain(media)
  expect(await isThere(`${media}/master.m3u8`)).toBe(false)
})

it('spares what is young, and what came into use again', async () => {
  const [young, again] = [`media/${digest()}`, `media/${digest()}`]
  now = Date.now()
  await put(`${again}/track.json`)
  await put(`${young}/track.json`, new Date(now + 20 * hour))
  await sweep()
  now += 25 * hour
  const trackId = await veza.upload()
  const job = await veza.jobs.claim('test', 60_000)
  if (job?.trackId !== trackId) throw new Error('another job was waiting')
  const stream = { media: again, recipe: 1, durationMs: 1, loudness: null, truePeak: null, gain: 0 }
  await veza.jobs.settle(job, { type: 'made', stream }, new Date())
  await sweep()
  for (const media of [young, again]) expect(await isThere(`${media}/track.json`), media).toBe(true)
  // Its day begins anew.
  await veza.tracks.execute(veza.db, trackId, {
    ...{ type: 'delete', actor: await veza.ownerOf(trackId), at: new Date() },
  })
  now += hour
  await sweep()
  expect(await isThere(`${again}/track.json`)).toBe(true)
})

it('removes all there is, though it is more than one query asks for, beside another that does so too', async () => {
  const sources = Array.from({ length: 501 }, () => digest())
  const folder = join(veza.dir, 'objects', 'sources')
  for (const source of sources) {
    await writeFile(join(folder, source), 'x')
    await utimes(join(folder, source), long, long)
  }
  now = Date.now() + 2_000 * hour
  await sweep()
  now += 25 * hour
  const gone = await Promise.all([sweep(), sweep()])
  for (const source of sources) expect(gone.flat()).toContain(`sources/${source}`)
  expect(await readdir(folder)).toEqual([])
})

it('removes what a put that was killed wrote, a day later', async () => {
  const drafts = join(veza.dir, 'objects', '.drafts')
  for (const name of ['killed', 'under-way']) await writeFile(join(drafts, name), 'half')
  await utimes(join(drafts, 'killed'), long, long)
  now = Date.now()
  await sweep()
  expect(await readdir(drafts)).toEqual(['under-way'])
})

it('removes folders of jobs whose workers were killed, and none of a job in hand', async () => {
  const folder = join(veza.dir, 'tmp')
  const [killed, living, other] = [`${workFolder}killed`, `${workFolder}living`, 'not-ours']
  for (const name of [killed, living, other]) await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, killed, 'source'), 'x')
  for (const name of [killed, other]) await utimes(join(folder, name), long, long)
  await sweepWorkFolders(folder, workFolder, new Date())
  expect((await readdir(folder)).sort()).toEqual([other, living])
})
