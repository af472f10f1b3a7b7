import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
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
const ready = ['TrackUploaded', 'TranscodeRequested', 'TrackReady']

/** The first calls go as `script` says, the others to ffmpeg itself. */
const atFirst = (calls: number, script: string): string => {
  const taken = join(veza.dir, `calls-${randomUUID()}-`)
  return `for call in $(seq ${calls}); do
    if mkdir "${taken}$call" 2>/dev/null; then ${script}; fi
  done
  exec "$FFMPEG" "$@"`
}

it('kills an ffmpeg that hangs, and tries again', async () => {
  const trackId = await veza.upload()
  await veza.replaceFfmpeg(atFirst(1, 'exec sleep 600'))
  // On a slow machine a good one may be taken for one that hangs.
  veza.runner({ stallMs: 3_000, maxAttempts: 10 })
  const { state, attempts } = await settled(trackId)
  expect(state).toBe('done')
  expect(attempts).toBeGreaterThan(1)
  expect(await veza.history(trackId)).toEqual(ready)
})

it('does not hold a crash against the file until it has crashed each time', async () => {
  const trackId = await veza.upload()
  await veza.replaceFfmpeg(atFirst(2, 'kill -SEGV $$'))
  veza.runner({ maxAttempts: 3 })
  expect(await settled(trackId)).toMatchObject({ state: 'done', attempts: 3 })

  await veza.rest()

  const hopeless = await veza.upload()
  await veza.replaceFfmpeg('kill -SEGV $$')
  veza.runner({ maxAttempts: 3 })
  expect(await settled(hopeless)).toMatchObject({ state: 'failed', attempts: 3, last_error: 'internal' })
  expect(await veza.history(hopeless)).toEqual(['TrackUploaded', 'TranscodeRequested', 'TrackFailed'])
})

it('ends the encoder that runs beside one that fails', async () => {
  const pid = join(veza.dir, 'pid')
  const trackId = await veza.upload()
  await veza.replaceFfmpeg(`case "$*" in
    *twoloop*) echo $$ > "${pid}"; exec sleep 600 ;;
    *aac_coder*) until [ -s "${pid}" ]; do sleep 0.05; done; exit 1 ;;
    *) exec "$FFMPEG" "$@" ;;
  esac`)
  veza.runner({ stallMs: 600_000 })
  expect(await settled(trackId)).toMatchObject({ state: 'failed', last_error: 'corrupt' })
  const other = Number(await readFile(pid, 'utf8'))
  expect(() => process.kill(other, 0)).toThrow('ESRCH')
})

it('waits for room on its disk, however often it takes', async () => {
  const full = 'echo "96k/0000.m4s: No space left on device" >&2; exit 1'
  const trackId = await veza.upload()
  await veza.replaceFfmpeg(atFirst(8, full))
  veza.runner({ maxAttempts: 2 })
  expect(await settled(trackId)).toMatchObject({ state: 'done', attempts: 1 })
  expect(await veza.history(trackId)).toEqual(ready)
})

it('waits for an object store that is away, and publishes nothing before all of it is stored', async () => {
  const folder = join(veza.dir, 's3')
  const server = await startS3(folder)
  const store = s3Objects({ ...server, region: 'us-east-1', public: false })
  const trackId = await veza.upload()
  const { source } = await veza.db
    .selectFrom('tracks')
    .select('source')
    .where('id', '=', trackId)
    .executeTakeFirstOrThrow()
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
  const { media } = await veza.db
    .selectFrom('tracks')
    .select('media')
    .where('id', '=', trackId)
    .executeTakeFirstOrThrow()
  expect(outcome).toMatchObject({ stream: { media } })
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
  await veza.tracks.execute(veza.db, trackId, {
    ...{ type: 'delete', actor: { userId: randomUUID(), moderator: true }, at: new Date() },
  })
  await vi.waitFor(() => {
    expect(lost).toEqual([new Error('the job is not ours any more')])
  }, waiting)
  expect(await veza.job(trackId)).toMatchObject({ state: 'cancelled' })
})
