import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { infrastructure } from '@veza/kit/testing'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { sweepObjects } from './sweep.ts'
import { type JobsUnderTest, jobsUnderTest } from './testing/jobs-under-test.ts'

const waiting = { timeout: 60_000, interval: 5 }
const main = fileURLToPath(new URL('main.ts', import.meta.url))
let veza: JobsUnderTest
beforeAll(async () => {
  veza = await jobsUnderTest()
})
afterEach(() => veza.rest())
afterAll(() => veza.close())

/** The worker as a process of its own. */
const start = (): { child: ChildProcess; exited: Promise<unknown[]>; output: () => string } => {
  const child = spawn(process.execPath, ['--import', 'tsx', main], {
    env: {
      ...{ PATH: process.env['PATH'], TMPDIR: join(veza.dir, 'tmp') },
      KAFKA_BROKERS: infrastructure().kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: infrastructure().schemaRegistryUrl,
      TRACKS_DATABASE_URL: veza.databaseUrl,
      OBJECTS_DIR: join(veza.dir, 'objects'),
      ...{ INTERNAL_PORT: '0', TRANSCODE_LEASE: '1s', TRANSCODE_ATTEMPTS: '100' },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  return { child, exited: once(child, 'exit'), output: () => output }
}

it('is killed at one step after the other, and its job has one outcome all the same', async () => {
  await mkdir(join(veza.dir, 'tmp'))
  const step = join(veza.dir, 'step')
  // The worker is its programs' parent.
  const killing = (when: string) =>
    `case "$(cat "${step}") $*" in ${when}) kill -9 $PPID; exec sleep 600 ;; *) exec "$REAL" "$@" ;; esac`
  await veza.replace('ffprobe', killing('probe*'))
  await veza.replace('ffmpeg', killing('measure*ebur128*|encode*twoloop*'))
  await writeFile(step, 'fetch')
  const trackId = await veza.upload({ seconds: 30 })

  for (const at of ['fetch', 'probe', 'measure', 'encode', 'store', 'tell', 'none'] as const) {
    await writeFile(step, at)
    const { child, exited, output } = start()
    switch (at) {
      case 'fetch':
        await vi.waitFor(async () => {
          expect(await veza.job(trackId)).toMatchObject({ state: 'running' })
        }, waiting)
        child.kill('SIGKILL')
        break
      case 'store':
        await vi.waitFor(async () => {
          expect(await readdir(join(veza.dir, 'objects', 'media'))).toHaveLength(1)
        }, waiting)
        child.kill('SIGKILL')
        break
      case 'tell':
        // Somebody else has the track for a moment, so that the outcome waits halfway through its transaction.
        await veza.db.transaction().execute(async (trx) => {
          // On a busy machine the outcome is longer in coming than a transaction of ours may take.
          await sql`set local transaction_timeout = 0`.execute(trx)
          await sql`set local idle_in_transaction_session_timeout = 0`.execute(trx)
          await trx.selectFrom('tracks').select('id').where('id', '=', trackId).forUpdate().execute()
          await vi.waitFor(async () => {
            const { rows } = await sql`select from pg_locks where not granted and pid in (
              select pid from pg_stat_activity where datname = current_database())`.execute(trx)
            expect(rows).toHaveLength(1)
          }, waiting)
          child.kill('SIGKILL')
          await exited
        })
        break
      case 'none':
        await vi.waitFor(async () => {
          expect(await veza.job(trackId)).toMatchObject({ state: 'done' })
          expect(output()).toContain('"msg":"working"')
        }, waiting)
        child.kill('SIGTERM')
        expect(await exited).toEqual([0, null])
        continue
      default:
        // Its program kills it.
        break
    }
    expect(await exited, at).toEqual([null, 'SIGKILL'])
    expect(await veza.history(trackId), at).toEqual(['TrackUploaded', 'TranscodeRequested'])
  }

  expect(await veza.history(trackId)).toEqual(['TrackUploaded', 'TranscodeRequested', 'TrackReady'])
  // One stream, whole, and nothing else: what the killed ones stored is what it is made of.
  const media = String(await veza.mediaOf(trackId))
  for (const hours of [100, 125])
    await sweepObjects({ ...veza, now: () => new Date(Date.now() + hours * 3_600_000) })()
  const [addresses, files] = [new Set<string>(), new Set<string>()]
  for await (const { key } of veza.objects.list('media/')) {
    addresses.add(key.split('/').slice(0, 2).join('/'))
    files.add(key.slice(media.length + 1))
  }
  expect([...addresses]).toEqual([media])
  for (const rendition of ['96k', '160k', '256k'])
    for (const segment of ['0000', '0001', '0002', '0003', '0004'])
      expect(files).toContain(`${rendition}/${segment}.m4s`)
  for (const file of ['master.m3u8', 'progressive.mp4', 'track.json', 'waveform.json'])
    expect(files).toContain(file)
}, 180_000)
