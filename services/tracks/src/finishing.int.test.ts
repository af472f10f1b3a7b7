import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { sharedLocks } from './adapters/shared-locks.ts'
import { hooks, song, veza } from './testing/tracks-and-jobs.ts'

hooks()

it.each([
  ['becomes one track, of which all hear', true],
  ['is refused once, and is none then', false],
])('a whole file of which several would make a track at once %s', async (_, isAudio) => {
  const ana = await veza.person()
  const other = await veza.open()
  const location = (await ana.begin(song.length)).headers.get('location') ?? ''
  const trackId = location.split('/').at(-1) ?? ''
  const path = join(veza.settings.UPLOADS_DIR, trackId)
  await writeFile(path, isAudio ? song : Buffer.alloc(song.length, 'x'))
  const locks = sharedLocks(veza.settings.TRACKS_DATABASE_URL, veza.log)
  const lock = locks.newLock(trackId)
  const asked = vi.fn()
  await lock.lock(new AbortController().signal, asked)
  const heads = [veza.url, veza.url, other.url].map((url) => ana.tus('HEAD', location, {}, undefined, url))
  await vi.waitFor(
    () => {
      expect(asked).toHaveBeenCalled()
    },
    { timeout: 10_000 },
  )
  // None of them has begun.
  expect((await readFile(path)).length).toBe(song.length)
  await lock.unlock()
  await locks.close()
  const answers = (await Promise.all(heads)).map(
    ({ status, headers }) => `${status} ${headers.get('veza-track-id')}`,
  )
  expect(answers.sort()).toEqual(
    isAudio ? Array(3).fill(`200 ${trackId}`) : ['404 null', '404 null', '422 null'],
  )
  expect(await readdir(veza.settings.UPLOADS_DIR)).not.toContain(trackId)
  await other.close()
})
