import { openCodec } from '@veza/kit/codec'
import { integer, list, processEnvironment, readEnv, runMain, url } from '@veza/kit/env'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { startTelemetry } from '@veza/kit/telemetry'
import { openNotifications, notificationsEnvironment } from './index.ts'

const name = 'notifications'

const environment = {
  ...processEnvironment,
  ...notificationsEnvironment,
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  INTERNAL_PORT: integer('the port of probes and metrics', 9083, { max: 65_535 }),
}

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
  const kafka = connectKafka(env.KAFKA_BROKERS, { clientId: name, log, meter: telemetry.meter })
  run.onStop('kafka', () => kafka.close())
  const health = createHealth()
  const worker = openNotifications(env, { kafka, codec, telemetry, health, log, fail: run.fail })
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
  log.info({ port: internal.port }, 'working')
})
