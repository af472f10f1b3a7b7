import { hostname } from 'node:os'
import { type ChatDatabase, roomLog } from '@veza/chat/store'
import { topics } from '@veza/contracts'
import { openCodec } from '@veza/kit/codec'
import { readEnv, runMain } from '@veza/kit/env'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { startTelemetry } from '@veza/kit/telemetry'
import { runWorker } from '@veza/kit/worker'
import { watchFaults } from './faults.ts'
import { sequence } from './sequence.ts'
import { environment } from './settings.ts'
import { tellSender } from './tell-sender.ts'

const name = 'chat-fanout'

await runMain(name, async (run) => {
  const env = readEnv(environment)
  const log = createLog(name, env.LOG_LEVEL)
  const telemetry = startTelemetry({
    service: name,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    sampleRatio: env.TRACE_SAMPLE_RATIO,
  })
  run.onStop('telemetry', () => telemetry.close())

  const codec = await openCodec(env.SCHEMA_REGISTRY_URL, log)
  const database = openDatabase<ChatDatabase>(env.CHAT_DATABASE_URL, {
    applicationName: name,
    // One chunk at a time, and the health check.
    poolSize: 2,
    pipeline: true,
    log,
  })
  run.onStop('database', () => database.close())
  const kafka = connectKafka(env.KAFKA_BROKERS, { clientId: name, log, meter: telemetry.meter })
  run.onStop('kafka', () => kafka.close())
  // A chunk's outcomes are one batch, and the next chunk waits for it.
  const producer = kafka.producer({ lingerMs: 0 })
  run.onStop('producer', () => producer.close())
  // A dead letter is its record and the headers that say why: larger than any record that could be read.
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  run.onStop('dead-letter producer', () => deadLetter.close())

  const health = createHealth()
  const internal = await serveInternal({
    host: env.INTERNAL_HOST,
    port: env.INTERNAL_PORT,
    health,
    metrics: () => telemetry.metrics(),
  })
  run.onStop('internal listener', () => internal.close())

  const rooms = roomLog(database)
  const chunks = watchFaults(sequence({ log: rooms, codec, producer, meter: telemetry.meter }))
  const worker = runWorker({
    name,
    // Its port is this process's alone.
    instance: `${name}@${hostname()}:${internal.port}`,
    kafka,
    codec,
    topics: [topics.chatCommands],
    handleChunk: chunks.handleChunk,
    deadLetter,
    onDead: tellSender({ log: rooms, codec, producer }),
    dependencies: async () => chunks.fault() ?? (await database.check()) ?? (await kafka.admin.check()),
    health,
    telemetry,
    log,
    settings: { maxChunkRecords: env.CHAT_FANOUT_CHUNK },
  })
  worker.finished.catch((error: unknown) => {
    run.fail(error)
  })
  run.onStop('worker', () => worker.stop())

  run.onStop('readiness', () => {
    health.drain()
  })
  await worker.started
  log.info({ port: internal.port }, 'consuming')
})
