import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { makeAudio } from '@veza/kit/testing'
import { afterAll, beforeAll } from 'vitest'
import { type Job, jobQueue, type Jobs, openTracks, type TracksDatabase } from '../store.ts'
import { tracksUnderTest, type TracksUnderTest } from './tracks-under-test.ts'

/** A service with its queue of jobs, and tracks in it, of a test file's own. */

export let veza: TracksUnderTest
export let jobs: Jobs
export let database: Database<TracksDatabase>
export let dir: string
export let song: Buffer
const closers: (() => Promise<unknown>)[] = []

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'veza-tracks-test-'))
    veza = await tracksUnderTest()
    database = openDatabase<TracksDatabase>(veza.database.url, {
      applicationName: 'test',
      poolSize: 5,
      log: veza.log,
    })
    jobs = jobQueue(database.db, openTracks(veza.codec))
    song = await readFile(await makeAudio(dir, 'song.mp3', { seconds: 1 }))
    closers.push(
      () => database.close(),
      () => veza.close(),
      () => rm(dir, { recursive: true }),
    )
  })

  afterAll(async () => {
    for (const close of closers.splice(0)) await close()
  })
}

export const leaseMs = 60_000
export const media = `media/${'cd'.repeat(32)}`
export const made = (recipe = 1) => ({
  ...{ type: 'made' as const },
  stream: { media, recipe, durationMs: 1000, loudness: -20.5, truePeak: -6, gain: 5 },
})

export type Person = Awaited<ReturnType<TracksUnderTest['person']>>
export const uploaded = async (person: Person, metadata: Record<string, string> = {}) => {
  const { headers } = await person.upload(song, metadata)
  return headers.get('veza-track-id') ?? ''
}
/** Whatever else waits is taken and left. */
export const claimed = async (trackId: string): Promise<Job> => {
  for (;;) {
    const job = await jobs.claim('test', leaseMs)
    if (job === undefined) throw new Error('no job of that track')
    if (job.trackId === trackId) return job
  }
}
export const readyTrack = async (person: Person, metadata: Record<string, string> = {}) => {
  const trackId = await uploaded(person, metadata)
  await jobs.settle(await claimed(trackId), made(), new Date())
  return trackId
}

export interface TrackBody {
  id: string
  version: number
  status: string
  title: string
  tags: string[]
  failure: { code: string; detail: string } | null
  duration: number | null
  loudness: { integrated: number } | null
  likes: number
  liked: boolean
}
export interface Page {
  tracks: TrackBody[]
  next: string | null
}
