import { openAuth } from '@veza/auth'
import { openChat } from '@veza/chat'
import { openProcessCaches } from '@veza/kit/cache'
import { openCodec } from '@veza/kit/codec'
import { readEnv, runMain } from '@veza/kit/env'
import { combine, mountDocs, mountPage, serve } from '@veza/kit/http'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openRedis } from '@veza/kit/redis'
import { startTelemetry } from '@veza/kit/telemetry'
import { createTokenVerifier } from '@veza/kit/tokens'
import { openStreams } from '@veza/streams'
import { openTracks, streamedBodies } from '@veza/tracks'
import { openUsers } from '@veza/users'
import { environment } from './http-settings.ts'

/** Every HTTP service in one process: the local shape of what are processes of their own behind a gateway. */
await runMain('http', async (run) => {
  const env = readEnv(environment)
  const log = createLog('http', env.LOG_LEVEL)
  const telemetry = startTelemetry({
    service: 'http',
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    sampleRatio: env.TRACE_SAMPLE_RATIO,
  })
  run.onStop('telemetry', () => telemetry.close())
  const codec = await openCodec(env.SCHEMA_REGISTRY_URL, log)
  const kafka = connectKafka(env.KAFKA_BROKERS, { clientId: 'http', log, meter: telemetry.meter })
  run.onStop('kafka', () => kafka.close())
  const redis = openRedis(env, { log, meter: telemetry.meter })
  run.onStop('redis', () => redis?.close())
  const { caches, stop: stopCaches } = await openProcessCaches(env, {
    ...{ redis, kafka, codec, meter: telemetry.meter, log },
  })
  run.onStop('caches', stopCaches)

  const auth = await openAuth(env, { log, telemetry, codec, kafka })
  run.onStop('auth', () => auth.close())
  const verifier = createTokenVerifier({
    keys: (kid) => auth.publicKey(kid),
    issuer: env.TOKEN_ISSUER,
    audience: 'veza',
  })
  const chat = openChat(env, { log, telemetry, verifier, kafka, codec, redis, caches })
  run.onStop('chat', () => chat.close())
  const users = openUsers(env, { log, telemetry, verifier, codec, caches })
  run.onStop('users', () => users.close())
  const tracks = await openTracks(env, { log, telemetry, verifier, codec, caches })
  run.onStop('tracks', () => tracks.close())
  const streams = openStreams(env, { log, telemetry, verifier, kafka, codec })
  run.onStop('streams', () => streams.close())

  const health = createHealth()
  for (const [name, check] of Object.entries({
    ...auth.checks,
    ...chat.checks,
    ...users.checks,
    ...tracks.checks,
    ...streams.checks,
  }))
    health.ready(name, check)
  const internal = await serveInternal({
    host: env.INTERNAL_HOST,
    port: env.INTERNAL_PORT,
    health,
    metrics: () => telemetry.metrics(),
    app: combine({ log, telemetry }, [auth.internal, chat.internal, users.internal, tracks.internal]),
  })
  run.onStop('internal listener', () => internal.close())

  const limits = { bodyLimits: { ...users.bodyLimits, ...tracks.bodyLimits }, streamedBodies }
  const api = combine({ log, telemetry, trustedProxies: env.TRUSTED_PROXIES, ...limits }, [
    auth.app,
    chat.app,
    users.app,
    tracks.app,
    streams.app,
  ])
  mountDocs(api, { title: 'Veza', version: '1' })
  const realtimeUrl = env.REALTIME_URL === '' ? undefined : env.REALTIME_URL
  if (env.PAGE_DIR !== '') mountPage(api, { folder: env.PAGE_DIR, realtimeUrl })
  // Of a slow line a piece of an upload takes its time.
  const requestTimeoutMs = 600_000
  const { first } = streams
  const server = await serve(api, { host: env.HOST, port: env.HTTP_PORT, requestTimeoutMs, first })
  run.onStop('http listener', () => server.close())
  run.onStop('readiness', () => {
    health.drain()
  })
  log.info({ port: server.port }, 'listening')
})
