import { openCodec } from '@veza/kit/codec'
import { integer, list, readEnv, runMain, string, processEnvironment, url } from '@veza/kit/env'
import { mountDocs, serve } from '@veza/kit/http'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { startTelemetry } from '@veza/kit/telemetry'
import { authEnvironment, openAuth } from './index.ts'

const environment = {
  ...processEnvironment,
  ...authEnvironment,
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  HOST: string('the address that clients reach', '127.0.0.1'),
  HTTP_PORT: integer('the port that clients reach', 8080, { max: 65_535 }),
  INTERNAL_PORT: integer('the port of probes, metrics and the internal API', 9080, { max: 65_535 }),
}

await runMain('auth', async (run) => {
  const env = readEnv(environment)
  const log = createLog('auth', env.LOG_LEVEL)
  const telemetry = startTelemetry({
    service: 'auth',
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    sampleRatio: env.TRACE_SAMPLE_RATIO,
  })
  run.onStop('telemetry', () => telemetry.close())

  const codec = await openCodec(env.SCHEMA_REGISTRY_URL, log)
  const kafka = connectKafka(env.KAFKA_BROKERS, { clientId: 'auth', log, meter: telemetry.meter })
  run.onStop('kafka', () => kafka.close())
  const auth = await openAuth(env, { log, telemetry, codec, kafka })
  run.onStop('auth', () => auth.close())
  const health = createHealth()
  for (const [name, check] of Object.entries(auth.checks)) health.ready(name, check)
  const internal = await serveInternal({
    host: env.INTERNAL_HOST,
    port: env.INTERNAL_PORT,
    health,
    metrics: () => telemetry.metrics(),
    app: auth.internal,
  })
  run.onStop('internal listener', () => internal.close())

  mountDocs(auth.app, { title: 'Veza auth', version: '1' })
  const server = await serve(auth.app, { host: env.HOST, port: env.HTTP_PORT })
  run.onStop('http listener', () => server.close())
  run.onStop('readiness', () => {
    health.drain()
  })
  log.info({ port: server.port }, 'listening')
})
