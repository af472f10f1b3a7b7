import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCodec } from '@veza/contracts'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { freshDatabase, infrastructure } from '@veza/kit/testing'
import { migrateTracks } from '@veza/tracks/migrate'
import { currentRecipe, jobQueue, openTracks, type Outcome, type TracksDatabase } from '@veza/tracks/store'
import { expect, it, onTestFinished, vi } from 'vitest'
import { callOps } from './testing/call-ops.ts'

const older = currentRecipe - 1
const made = (recipe: number): Outcome => ({
  type: 'made',
  stream: {
    ...{ media: `media/${randomUUID().replaceAll('-', '').repeat(2)}`, recipe },
    ...{ durationMs: 1000, loudness: -20, truePeak: -6, gain: 5 },
  },
})

it('asks for every track of an older recipe once, tells how far they are, and goes on where it was broken off', async () => {
  const { schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrateTracks(fresh.url)
  const log = createLog('test', 'silent')
  const { db, close } = openDatabase<TracksDatabase>(fresh.url, { applicationName: 'test', poolSize: 2, log })
  onTestFinished(() => close())
  const folder = await mkdtemp(join(tmpdir(), 'veza-ops-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const tracks = openTracks(codec)
  const jobs = jobQueue(db, tracks)

  const upload = async (recipe: number): Promise<string> => {
    const id = randomUUID()
    await tracks.execute(db, id, {
      ...{ type: 'upload', id, ownerId: randomUUID(), title: 'One', artist: null, album: null, genre: null },
      ...{ cover: null, visibility: 'public', recipe, at: new Date() },
      source: { sha256: 'ab'.repeat(32), bytes: 1, filename: 'one.wav', format: 'wav', codec: 'pcm_s16le' },
    })
    return id
  }
  const settleNext = async (outcome: Outcome) => {
    const job = await jobs.claim('test', 60_000)
    if (job === undefined) throw new Error('no job was waiting')
    await jobs.settle(job, outcome, new Date())
    return job
  }

  const env = { VEZA_DIR: folder, TRACKS_DATABASE_URL: fresh.url, SCHEMA_REGISTRY_URL: schemaRegistryUrl }
  const ops = async (...args: string[]) => {
    const { code, output } = await callOps(['retranscode', ...args], env)
    return { code, lines: output.trim().split('\n') }
  }
  const state = (n: number, waiting: number, failed: number) =>
    `${n} tracks have a stream by the recipe of today, ${waiting} wait for one, of ${failed} none could be made`

  for (let n = 0; n < 3; n++) {
    await upload(older)
    await settleNext(made(older))
  }
  await upload(currentRecipe)
  await settleNext(made(currentRecipe))
  const hopeless = await upload(older)
  await settleNext({ type: 'not-made', code: 'corrupt' })

  expect(await ops('--detach')).toEqual({ code: 0, lines: ['3 tracks asked for', state(1, 3, 0)] })
  expect(await ops('--detach')).toEqual({
    ...{ code: 0, lines: ['no track had to be asked for', state(1, 3, 0)] },
  })
  const first = await settleNext(made(currentRecipe))
  expect(first).toMatchObject({ recipe: currentRecipe, priority: 'catalogue' })
  expect((await settleNext({ type: 'not-made', code: 'corrupt' })).priority).toBe('catalogue')
  // Run once more in the middle, it waits for what is left.
  const lines: string[] = []
  const watching = callOps(['retranscode'], env, (line) => void lines.push(line))
  await vi.waitFor(() => {
    expect(lines).toContain(state(2, 1, 1))
  }, 30_000)
  await settleNext(made(currentRecipe))
  expect((await watching).code).toBe(1)
  expect(lines.at(-1)).toBe(state(3, 0, 1))

  // What failed is asked for again when one says so, and so is what never had a stream.
  expect((await ops('--again', '--detach')).lines.at(-1)).toBe(state(3, 2, 0))
  const again = [await settleNext(made(currentRecipe)), await settleNext(made(currentRecipe))]
  expect(again.map(({ trackId }) => trackId)).toContain(hopeless)
  expect(await ops()).toEqual({ code: 0, lines: ['no track had to be asked for', state(5, 0, 0)] })
  expect((await ops('--now')).code).toBe(64)
})
