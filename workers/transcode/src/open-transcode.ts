import { availableParallelism, hostname, tmpdir } from 'node:os'
import { topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { isolation, sweepWorkFolders } from '@veza/kit/media'
import { openObjects } from '@veza/kit/objects'
import { openDatabase } from '@veza/kit/postgres'
import { repeat } from '@veza/kit/repeat'
import { type HostedWorker, runWorker, type WorkerCommon } from '@veza/kit/worker'
import { jobQueue, openTracks, type TracksDatabase } from '@veza/tracks/store'
import { follow } from './follow.ts'
import { progressOf } from './news.ts'
import { startRunner } from './runner.ts'
import { type transcodeEnvironment } from './settings.ts'
import { sweepObjects } from './sweep.ts'
import { workFolder, workOn } from './work-on.ts'

const sweepEveryMs = 60 * 60 * 1000

/** What tests have of their own. */
export interface TranscodeOverrides {
  readonly name?: string
  readonly topic?: typeof topics.tracksEvents
  readonly pollMs?: number
}

/**
 * Makes streams of what was uploaded, tells their owners, and sweeps the store. Opens the worker on tracks' migrated
 * database. Throws EnvironmentError.
 */
export const openTranscode = async (
  env: EnvironmentValues<typeof transcodeEnvironment>,
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
  { name = 'transcode', topic = topics.tracksEvents, ...polling }: TranscodeOverrides = {},
): Promise<HostedWorker> => {
  const objects = openObjects(env)
  const { network } = await isolation()
  if (!network)
    log.warn('ffmpeg cannot be kept from the network here: let nothing but the platform be reached from here')
  const now = () => new Date()
  const concurrency = env.TRANSCODE_CONCURRENCY ?? Math.max(1, Math.floor(availableParallelism() / 2))
  const database = openDatabase<TracksDatabase>(env.TRACKS_DATABASE_URL, {
    applicationName: name,
    // A claim or an outcome a slot, a heartbeat, the follower, the health check.
    poolSize: concurrency + 3,
    log,
  })
  const producer = kafka.producer()
  // A dead letter is its record and the headers that say why: larger than any record that could be read.
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const runner = startRunner({
    ...{ concurrency, log, now, meter: telemetry.meter, ...polling },
    jobs: jobQueue(database.db, openTracks(codec)),
    workOn: workOn({
      ...{ objects, folder: tmpdir() },
      maxDurationSeconds: env.TRACK_MAX_DURATION / 1000,
      stallMs: env.TRANSCODE_STALL,
    }),
    progressOf: progressOf({ codec, producer, now }),
    worker: `${hostname()}/${process.pid}`,
    leaseMs: env.TRANSCODE_LEASE,
    maxAttempts: env.TRANSCODE_ATTEMPTS,
  })
  const sweep = sweepObjects({ db: database.db, objects, now })
  const sweeping = repeat('sweep', { everyMs: sweepEveryMs, log }, async () => {
    await sweepWorkFolders(tmpdir(), workFolder, now())
    const gone = await sweep()
    if (gone.length > 0) log.info({ addresses: gone.length }, 'objects were swept')
  })
  health.ready('jobs', () => runner.check())
  health.ready('objects', () => objects.check())
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    topics: [topic],
    handle: follow({
      ...{ codec, producer },
      wake: () => {
        runner.wake()
      },
    }),
    dependencies: async () => (await database.check()) ?? (await kafka.admin.check()),
  })
  worker.finished.catch(fail)
  return {
    name,
    async stop() {
      await worker.stop()
      await sweeping.close()
      await runner.stop()
      await producer.close()
      await deadLetter.close()
      await database.close()
      objects.close()
    },
  }
}
