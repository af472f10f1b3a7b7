import { randomUUID } from 'node:crypto'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { s3Objects } from '@veza/kit/objects'
import { startS3 } from '@veza/kit/testing'
import { sourceKey } from '@veza/tracks/store'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type JobsUnderTest, jobsUnderTest } from './testing/jobs-under-test.ts'
import { workOn } from './work-on.ts'

let veza: JobsUnderTest
beforeAll(async () => {
  veza = await jobsUnderTest()
})
afterEach(() => veza.rest())
afterAll(() => veza.close())

const waiting = { timeout: 40_000, interval: 20 }
const settled = (trackId: string) =>
  vi.waitFor(async () => {
    const job = await veza.job(trackId)
    expect(['done', 'failed']).toContain(job.state)
    return job
  }, waiting)
const sourceOf = async (trackId: string): Promise<string> => {
  const row = await veza.db
    .selectFrom('tracks')
    .select('source')
    .where('id', '=', trackId)
    .executeTakeFirstOrThrow()
  return row.source
}
const failed = ['TrackUploaded', 'TranscodeRequested', 'TrackFailed']
const ready = ['TrackUploaded', 'TranscodeRequested', 'TrackReady']

/** The first calls go as `script` says, the others to ffmpeg itself. */
const atFirst = (calls: number, script: string): string => {
  const taken = join(veza.dir, `calls-${randomUUID()}-`)
  return `for call in $(seq ${calls}); do
    if mkdir "${taken}$call" 2>/dev/null; then ${script}; fi
  done
  exec "$REAL" "$@"`
}

it('kills an ffmpeg that hangs, and tries again', async () => {
  const trackId = await veza.upload()
  await veza.replace('ffmpeg', atFirst(1, 'exec sleep 600'))
  // On a slow machine a good one may be taken for one that hangs.
  veza.runner({ stallMs: 3_000, maxAttempts: 10 })
  const { state, attempts } = await settled(trackId)
  expect(state).toBe('done')
  expect(attempts).toBeGreaterThan(1)
  expect(await veza.history(trackId)).toEqual(ready)
})

it('does not hold a crash against the file until it has crashed each time', async () => {
  const trackId = await veza.upload()
  await veza.replace('ffmpeg', atFirst(2, 'kill -SEGV $$'))
  veza.runner({ maxAttempts: 3 })
  expect(await settled(trackId)).toMatchObject({ state: 'done', attempts: 3 })

  await veza.rest()

  const hopeless = await veza.upload()
  await veza.replace('ffmpeg', 'kill -SEGV $$')
  veza.runner({ maxAttempts: 3 })
  expect(await settled(hopeless)).toMatchObject({ state: 'failed', attempts: 3, last_error: 'internal' })
  expect(await veza.history(hopeless)).toEqual(failed)
})

it('ends the encoder that runs beside one that fails', async () => {
  const pid = join(veza.dir, 'pid')
  const trackId = await veza.upload()
  await veza.replace(
    'ffmpeg',
    `case "$*" in
    *twoloop*) echo $$ > "${pid}"; exec sleep 600 ;;
    *aac_coder*) until [ -s "${pid}" ]; do sleep 0.05; done; exit 1 ;;
    *) exec "$REAL" "$@" ;;
  esac`,
  )
  veza.runner({ stallMs: 600_000 })
  expect(await settled(trackId)).toMatchObject({ state: 'failed', last_error: 'corrupt' })
  const other = Number(await readFile(pid, 'utf8'))
  expect(() => process.kill(other, 0)).toThrow('ESRCH')
})

it('waits for room on its disk, however often it takes', async () => {
  const full = 'echo "96k/0000.m4s: No space left on device" >&2; exit 1'
  const trackId = await veza.upload()
  await veza.replace('ffmpeg', atFirst(8, full))
  veza.runner({ maxAttempts: 2 })
  expect(await settled(trackId)).toMatchObject({ state: 'done', attempts: 1 })
  expect(await veza.history(trackId)).toEqual(ready)
})

it('waits for room to fetch a file into', async () => {
  const trackId = await veza.upload()
  let reads = 0
  const read: typeof veza.objects.read = async (key) => {
    // A device that never has any room stands where the file is to be.
    if (++reads <= 3)
      for (const folder of await veza.workFolders())
        await symlink('/dev/full', join(veza.dir, folder, 'source'))
    return veza.objects.read(key)
  }
  veza.runner({ maxAttempts: 2, store: { ...veza.objects, read } })
  expect(await settled(trackId)).toMatchObject({ state: 'done', attempts: 1 })
  expect(reads).toBe(4)
  expect(await veza.history(trackId)).toEqual(ready)
})

it('does not take a file for damaged because the probe crashed', async () => {
  const trackId = await veza.upload()
  await veza.replace('ffprobe', atFirst(2, 'kill -SEGV $$'))
  veza.runner({ maxAttempts: 3 })
  expect(await settled(trackId)).toMatchObject({ state: 'done', attempts: 3 })
  expect(await veza.history(trackId)).toEqual(ready)
})

it('says so when there is no file to make it of', async () => {
  const trackId = await veza.upload()
  await veza.objects.delete([sourceKey(await sourceOf(trackId))])
  veza.runner()
  expect(await settled(trackId)).toMatchObject({ state: 'failed', last_error: 'source-missing', attempts: 1 })
  expect(await veza.history(trackId)).toEqual(failed)
})

it('gives silence no loudness', async () => {
  const trackId = await veza.upload({ volume: -200 })
  veza.runner()
  await settled(trackId)
  const [stream] = await veza.db
    .selectFrom('tracks')
    .select(['status', 'loudness', 'gain'])
    .where('id', '=', trackId)
    .execute()
  expect(stream).toEqual({ status: 'ready', loudness: null, gain: 0 })
})

it('gives up a job that killed its workers, without another look', async () => {
  const trackId = await veza.upload()
  // Each of them died, and its lease ran out.
  for (let death = 1; death <= 3; death++) await veza.jobs.claim('dead', -1)
  const workOn = vi.fn()
  veza.runner({ maxAttempts: 3, workOn })
  expect(await settled(trackId)).toMatchObject({ state: 'failed', last_error: 'internal' })
  expect(workOn).not.toHaveBeenCalled()
  expect(await veza.history(trackId)).toEqual(failed)
})

it('does not wait for its turn to look when it is woken', async () => {
  const runner = veza.runner({ pollMs: 600_000 })
  const trackId = await veza.upload()
  await vi.waitFor(async () => {
    runner.wake()
    expect(await veza.job(trackId)).toMatchObject({ state: 'done' })
  }, waiting)
})

it('ends its work when a database that is away lets the lease run out, and does it again', async () => {
  const trackId = await veza.upload()
  const { gate, jobs } = await veza.jobsBehindGate()
  const pid = join(veza.dir, randomUUID())
  const hanging = atFirst(1, `echo $$ > "${pid}"; exec sleep 600`)
  await veza.replace('ffmpeg', `case "$*" in *twoloop*) ${hanging} ;; *) exec "$REAL" "$@" ;; esac`)
  const runner = veza.runner({ jobs, leaseMs: 1_000, stallMs: 600_000 })
  const encoder = await vi.waitFor(async () => {
    const found = Number(await readFile(pid, 'utf8'))
    expect(found).toBeGreaterThan(0)
    return found
  }, waiting)
  await gate.shut()
  await vi.waitFor(() => {
    expect(() => process.kill(encoder, 0)).toThrow('ESRCH')
    expect(runner.check()).toBeDefined()
  }, waiting)
  await gate.open()
  expect(await settled(trackId)).toMatchObject({ state: 'done' })
  expect(runner.check()).toBeUndefined()
  expect(await veza.history(trackId)).toEqual(ready)
})

it('has one outcome though the database went away when all was stored', async () => {
  const trackId = await veza.upload()
  const { gate, jobs } = await veza.jobsBehindGate()
  let puts = 0
  const put: typeof veza.objects.put = async (...args) => {
    await veza.objects.put(...args)
    puts++
    if (args[0].endsWith('/track.json')) await gate.shut()
  }
  const runner = veza.runner({ jobs, leaseMs: 1_000, store: { ...veza.objects, put } })
  await vi.waitFor(() => {
    expect(runner.check()).toBeDefined()
  }, waiting)
  const stored = puts
  await gate.open()
  expect(await settled(trackId)).toMatchObject({ state: 'done', attempts: 2 })
  expect(await veza.history(trackId)).toEqual(ready)
  expect(puts, 'what is stored already is not stored again').toBe(stored)
})

it('waits for an object store that is away, and publishes nothing before all of it is stored', async () => {
  const folder = join(veza.dir, 's3')
  const server = await startS3(folder)
  const store = s3Objects({ ...server, region: 'us-east-1', public: false })
  const trackId = await veza.upload()
  const source = await sourceOf(trackId)
  const bytes = await veza.objects.read(sourceKey(source))
  const chunks: Buffer[] = []
  for await (const chunk of bytes ?? []) chunks.push(chunk as Buffer)
  await store.put(sourceKey(source), Buffer.concat(chunks), 'application/octet-stream')
  let stored = 0
  let away: Promise<void> | undefined
  veza.runner({
    store: {
      ...store,
      async put(key, content, type) {
        // In the middle of a stream's files.
        if (++stored === 3) await (away = server.close())
        await store.put(key, content, type)
      },
    },
  })
  await vi.waitFor(async () => {
    const job = await veza.job(trackId)
    expect(job.last_error).toContain('the object store is not available')
  }, waiting)
  expect(away).toBeDefined()
  expect(await veza.history(trackId)).toEqual(ready.slice(0, 2))
  const again = await startS3(folder, Number(new URL(server.endpoint).port))
  expect(await settled(trackId)).toMatchObject({ state: 'done', attempts: 1 })
  expect(await veza.history(trackId)).toEqual(ready)
  await veza.rest()
  store.close()
  await again.close()
})

it('has one outcome of two workers that do the same job', async () => {
  const trackId = await veza.upload()
  // The first one is taken to be dead, and is not.
  const slow = await veza.jobs.claim('slow', -1)
  if (slow?.trackId !== trackId) throw new Error('another job was waiting')
  const work = workOn({ objects: veza.objects, maxDurationSeconds: 60, stallMs: 20_000, folder: veza.dir })
  const [outcome] = await Promise.all([
    work(slow, { signal: new AbortController().signal, onProgress: () => undefined }),
    (async () => {
      veza.runner()
      await settled(trackId)
    })(),
  ])
  expect(await veza.jobs.settle(slow, outcome, new Date())).toBe(false)
  expect(await veza.history(trackId)).toEqual(ready)
  expect(outcome).toMatchObject({ stream: { media: await veza.mediaOf(trackId) } })
})

it('ends the work of whoever lost the job', async () => {
  const trackId = await veza.upload({ seconds: 20 })
  let begun: (() => void) | undefined
  const atWork = new Promise<void>((resolve) => (begun = resolve))
  const lost: unknown[] = []
  veza.runner({
    leaseMs: 300,
    workOn: (_job, { signal }) =>
      new Promise((_resolve, reject) => {
        begun?.()
        signal.addEventListener('abort', () => {
          lost.push(signal.reason)
          reject(signal.reason as Error)
        })
      }),
  })
  await atWork
  await veza.erase(trackId)
  await vi.waitFor(() => {
    expect(lost).toEqual([new Error('the job is not ours any more')])
  }, waiting)
  expect(await veza.job(trackId)).toMatchObject({ state: 'cancelled' })
})
