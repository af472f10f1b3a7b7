import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { sweepObjects } from './sweep.ts'
import { type JobsUnderTest, jobsUnderTest } from './testing/jobs-under-test.ts'
import { workOn } from './work-on.ts'

let veza: JobsUnderTest
beforeAll(async () => {
  veza = await jobsUnderTest()
})
afterEach(() => veza.rest())
afterAll(() => veza.close())

const waiting = { timeout: 40_000, interval: 20 }

type Work = ReturnType<typeof workOn>

/** A worker's work that stands still at a step until it is told to end. `reached`: whether it stands there. */
interface Halted {
  readonly work: Work
  readonly reached: () => boolean
}
const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else
      signal.addEventListener('abort', () => {
        resolve()
      })
  })
const working = (objects = veza.objects): Work =>
  workOn({ objects, maxDurationSeconds: 60, stallMs: 600_000, folder: veza.dir })

/** Where a program stands still. @param when the shell's pattern of its arguments */
const inProgram = async (program: 'ffmpeg' | 'ffprobe', when: string): Promise<Halted> => {
  const mark = join(veza.dir, randomUUID())
  await veza.replace(
    program,
    `case "$*" in ${when}) touch "${mark}"; exec sleep 600 ;; *) exec "$REAL" "$@" ;; esac`,
  )
  return { work: working(), reached: () => existsSync(mark) }
}

const steps: Readonly<Record<string, () => Halted | Promise<Halted>>> = {
  'its file is read'() {
    let reached = false
    const read = () => {
      reached = true
      const stream = new Readable({ read: () => undefined })
      stream.push('RIFF')
      return Promise.resolve(stream)
    }
    return { work: working({ ...veza.objects, read }), reached: () => reached }
  },
  'its file is looked into': () => inProgram('ffprobe', '*'),
  'its loudness is measured': () => inProgram('ffmpeg', '*ebur128*'),
  'its stream is encoded': () => inProgram('ffmpeg', '*twoloop*'),
  'its stream is stored'() {
    let [reached, puts] = [false, 0]
    return {
      work: (job, control) => {
        const put: typeof veza.objects.put = async (...args) => {
          if (++puts === 3) {
            reached = true
            await ended(control.signal)
          }
          await veza.objects.put(...args)
        }
        return working({ ...veza.objects, put })(job, control)
      },
      reached: () => reached,
    }
  },
}

/** A track that a worker has in hand, as far as this. */
const halted = async (halt: () => Halted | Promise<Halted>): Promise<string> => {
  const { work, reached } = await halt()
  const trackId = await veza.upload({ seconds: 8 })
  veza.runner({ workOn: work, leaseMs: 300 })
  await vi.waitFor(() => {
    expect(reached()).toBe(true)
  }, waiting)
  return trackId
}

/** Addresses of streams and files that lie in the store once two sweeps have been, a day apart. */
const sweptStore = async () => {
  for (const hours of [1_000, 1_025])
    await sweepObjects({ ...veza, now: () => new Date(Date.now() + hours * 3_600_000) })()
  const left = new Set<string>()
  for (const prefix of ['media/', 'sources/'])
    for await (const { key } of veza.objects.list(prefix)) left.add(key.split('/').slice(0, 2).join('/'))
  return [...left].sort()
}
/** Those that tracks name. */
const namedByTracks = async () => {
  const rows = await veza.db.selectFrom('tracks').select(['media', 'source']).execute()
  return rows.flatMap(({ media, source }) => [`sources/${source}`, ...(media === null ? [] : [media])]).sort()
}

describe.each(Object.entries(steps))('while %s', (_step, halt) => {
  it('a track can be deleted: its work ends, has no outcome and leaves nothing behind', async () => {
    const trackId = await halted(halt)
    await veza.erase(trackId)
    await vi.waitFor(async () => {
      expect(await veza.workFolders()).toEqual([])
    }, waiting)
    await veza.rest()
    expect(await veza.job(trackId)).toMatchObject({ state: 'cancelled' })
    expect(await veza.history(trackId)).toEqual(['TrackUploaded', 'TranscodeRequested', 'TrackDeleted'])
    expect(await sweptStore()).toEqual(await namedByTracks())
  })

  it('a worker can be stopped: it gives its job back, and the next one makes the stream', async () => {
    const trackId = await halted(halt)
    await veza.rest()
    expect(await veza.workFolders()).toEqual([])
    expect(await veza.job(trackId)).toMatchObject({ state: 'queued', attempts: 0 })
    veza.runner()
    await vi.waitFor(async () => {
      expect(await veza.job(trackId)).toMatchObject({ state: 'done', attempts: 1 })
    }, waiting)
    expect(await veza.history(trackId)).toEqual(['TrackUploaded', 'TranscodeRequested', 'TrackReady'])
    expect(await sweptStore()).toEqual(await namedByTracks())
  })
})

it('a track can be deleted when its stream is made and nobody knows yet', async () => {
  const trackId = await veza.upload()
  let made = false
  veza.runner({
    async workOn(job, control) {
      const outcome = await working()(job, control)
      await veza.erase(trackId)
      made = true
      return outcome
    },
  })
  await vi.waitFor(() => {
    expect(made).toBe(true)
  }, waiting)
  await veza.rest()
  expect(await veza.history(trackId)).toEqual(['TrackUploaded', 'TranscodeRequested', 'TrackDeleted'])
  expect(await sweptStore()).toEqual(await namedByTracks())
})
