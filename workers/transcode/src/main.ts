import { hostname, availableParallelism } from 'node:os'
import { topics } from '@veza/contracts'
import { openCodec } from '@veza/kit/codec'
import { readEnv, runMain } from '@veza/kit/env'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { isolation } from '@veza/kit/media'
import { openObjects } from '@veza/kit/objects'
import { openDatabase } from '@veza/kit/postgres'
import { repeat } from '@veza/kit/repeat'
import { startTelemetry } from '@veza/kit/telemetry'
import { runWorker } from '@veza/kit/worker'
import { jobQueue, openTracks, type TracksDatabase } from '@veza/tracks/store'
import { follow } from './follow.ts'
import { progressOf } from './news.ts'
import { startRunner } from './runner.ts'
import { environment } from './settings.ts'
import { sweepObjects } from './sweep.ts'
import { workOn } from './work-on.ts'

const name = 'transcode'
const sweepEveryMs = 60 * 60 * 1000

await runMain(name, async (run) => {
  const env = readEnv(environment)
  const log = createLog(name, env.LOG_LEVEL)
  const telemetry = startTelemetry({
    service: name,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    sampleRatio: env.TRACE_SAMPLE_RATIO,
  })
  run.onStop('telemetry', () => telemetry.close())
  const now = () => new Date()

  const { network } = await isolation()
  if (!network)
    log.warn('ffmpeg cannot be kept from the network here: let nothing but the platform be reached from here')
  const codec = await openCodec(env.SCHEMA_REGISTRY_URL, log)
  const objects = openObjects(env)
  run.onStop('objects', () => {
    objects.close()
  })
  const concurrency = env.TRANSCODE_CONCURRENCY ?? Math.max(1, Math.floor(availableParallelism() / 2))
  const database = openDatabase<TracksDatabase>(env.TRACKS_DATABASE_URL, {
    applicationName: name,
    // A claim or an outcome a slot, a heartbeat, the follower, the health check.
    poolSize: concurrency + 3,
    log,
  })
  run.onStop('database', () => database.close())
  const kafka = connectKafka(env.KAFKA_BROKERS, { clientId: name, log, meter: telemetry.meter })
  run.onStop('kafka', () => kafka.close())
  const producer = kafka.producer()
  run.onStop('producer', () => producer.close())
  // A dead letter is its record and the headers that say why: larger than any record that could be read.
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  run.onStop('dead-letter producer', () => deadLetter.close())

  const jobs = jobQueue(database.db, openTracks(codec))
  const runner = startRunner({
    ...{ jobs, concurrency, log, now, meter: telemetry.meter },
    workOn: workOn({
      objects,
      maxDurationSeconds: env.TRACK_MAX_DURATION / 1000,
      stallMs: env.TRANSCODE_STALL,
    }),
    progressOf: progressOf({ codec, producer, now }),
    worker: `${hostname()}/${process.pid}`,
    leaseMs: env.TRANSCODE_LEASE,
    maxAttempts: env.TRANSCODE_ATTEMPTS,
  })
  run.onStop('runner', () => runner.stop())
  const sweep = sweepObjects({ db: database.db, objects, now })
  const sweeping = repeat('sweep objects', { everyMs: sweepEveryMs, log }, async () => {
    const gone = await sweep()
    if (gone.length > 0) log.info({ addresses: gone.length }, 'objects were swept')
  })
  run.onStop('sweep', () => sweeping.close())

  const health = createHealth()
  health.ready('jobs', () => runner.check())
  health.ready('objects', () => objects.check())
  const worker = runWorker({
    ...{ name, kafka, codec, health, telemetry, log, deadLetter },
    topics: [topics.tracksEvents],
    handle: follow({
      ...{ codec, producer },
      wake: () => {
        runner.wake()
      },
    }),
    dependencies: async () => (await database.check()) ?? (await kafka.admin.check()),
  })
  worker.finished.catch((error: unknown) => {
    run.fail(error)
  })
  run.onStop('worker', () => worker.stop())

  const internal = await serveInternal({
    host: env.INTERNAL_HOST,
    port: env.INTERNAL_PORT,
    health,
    metrics: () => telemetry.metrics(),
  })
  run.onStop('internal listener', () => internal.close())
  run.onStop('readiness', () => {
    health.drain()
  })
  await worker.started
  log.info({ port: internal.port, concurrency }, 'consuming')
})
