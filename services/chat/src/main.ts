import { cacheEnvironment, openProcessCaches } from '@veza/kit/cache'
import { openCodec } from '@veza/kit/codec'
import { integer, list, readEnv, runMain, string, url, processEnvironment } from '@veza/kit/env'
import { mountDocs, serve } from '@veza/kit/http'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openRedis } from '@veza/kit/redis'
import { startTelemetry } from '@veza/kit/telemetry'
import { createTokenVerifier } from '@veza/kit/tokens'
import { chatEnvironment, openChat } from './index.ts'

const environment = {
  ...processEnvironment,
  ...chatEnvironment,
  ...cacheEnvironment,
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  JWKS_URL: url("auth's public keys"),
  TOKEN_ISSUER: string('the issuer (iss) that access tokens must name', 'veza'),
  HOST: string('the address that clients reach', '127.0.0.1'),
  HTTP_PORT: integer('the port that clients reach', 8080, { max: 65_535 }),
  INTERNAL_PORT: integer('the port of probes, metrics and the internal API', 9080, { max: 65_535 }),
}

await runMain('chat', async (run) => {
  const env = readEnv(environment)
  const log = createLog('chat', env.LOG_LEVEL)
  const telemetry = startTelemetry({
    service: 'chat',
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    sampleRatio: env.TRACE_SAMPLE_RATIO,
  })
  run.onStop('telemetry', () => telemetry.close())

  const codec = await openCodec(env.SCHEMA_REGISTRY_URL, log)
  const kafka = connectKafka(env.KAFKA_BROKERS, { clientId: 'chat', log, meter: telemetry.meter })
  run.onStop('kafka', () => kafka.close())
  const verifier = createTokenVerifier({ jwksUrl: env.JWKS_URL, issuer: env.TOKEN_ISSUER, audience: 'veza' })

  const redis = openRedis(env, { log, meter: telemetry.meter })
  run.onStop('redis', () => redis?.close())
  const { caches, stop } = await openProcessCaches(env, {
    ...{ redis, kafka, codec, meter: telemetry.meter, log },
  })
  run.onStop('caches', stop)
  const chat = openChat(env, { log, telemetry, verifier, kafka, codec, redis, caches })
  run.onStop('chat', () => chat.close())
  const health = createHealth()
  for (const [name, check] of Object.entries(chat.checks)) health.ready(name, check)
  const internal = await serveInternal({
    host: env.INTERNAL_HOST,
    port: env.INTERNAL_PORT,
    health,
    metrics: () => telemetry.metrics(),
    app: chat.internal,
  })
  run.onStop('internal listener', () => internal.close())

  mountDocs(chat.app, { title: 'Veza chat', version: '1' })
  const server = await serve(chat.app, { host: env.HOST, port: env.HTTP_PORT })
  run.onStop('http listener', () => server.close())
  run.onStop('readiness', () => {
    health.drain()
  })
  log.info({ port: server.port }, 'listening')
})
