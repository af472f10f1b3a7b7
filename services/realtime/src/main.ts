import { openCodec } from '@veza/kit/codec'
import { readEnv, runMain } from '@veza/kit/env'
import { createApi } from '@veza/kit/http'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { startTelemetry } from '@veza/kit/telemetry'
import { createTokenVerifier } from '@veza/kit/tokens'
import { randomUUID } from 'node:crypto'
import { createChatApi } from './adapters/chat-api.ts'
import { createTracksApi } from './adapters/tracks-api.ts'
import { type Edge, type EdgeSettings, startEdge } from './edge.ts'
import { mountInternal } from './routes.ts'
import { type Environment, environment } from './settings.ts'

const service = 'realtime'
const chatRetryMs = 1000

const edgeSettings = (env: Environment): EdgeSettings => ({
  server: {
    host: env.HOST,
    port: env.WS_PORT,
    maxFrameBytes: env.MAX_FRAME_SIZE,
    maxBackpressureBytes: env.MAX_BACKPRESSURE,
    idleTimeoutSeconds: Math.round(env.IDLE_TIMEOUT / 1000),
    allowedOrigins: env.ALLOWED_ORIGINS,
  },
  session: {
    connectDeadlineMs: env.CONNECT_DEADLINE,
    pingIntervalMs: env.PING_INTERVAL,
    pongTimeoutMs: env.PONG_TIMEOUT,
    expiryGraceMs: env.EXPIRY_GRACE,
    commandRate: { perSecond: env.COMMAND_RATE, burst: env.COMMAND_BURST },
    maxSubscriptions: env.MAX_SUBSCRIPTIONS,
    maxConnectionsPerUser: env.MAX_CONNECTIONS_PER_USER,
    recoveryLimit: 300,
  },
  rooms: {
    ringEvents: env.ROOM_RING,
    ringBytes: env.RING_MEMORY,
    maxWaiting: 1000,
    idleMs: env.ROOM_IDLE,
  },
  membership: {
    freshMs: env.MEMBERSHIP_FRESH,
    staleMs: env.MEMBERSHIP_STALE,
    maxEntries: env.MEMBERSHIP_ENTRIES,
  },
  presence: {
    ttlMs: env.PRESENCE_TTL,
    maxListed: env.PRESENCE_LIST,
    spreadMs: env.PRESENCE_SPREAD,
  },
  listeners: { ttlMs: 30_000, everyMs: 2_000, maxCounted: 100_000 },
  headsIntervalMs: env.HEADS_INTERVAL,
  followersIntervalMs: env.TRACKS_RECHECK,
  lastSeenIntervalMs: env.LAST_SEEN_INTERVAL,
  tickMs: 1000,
  drainWindowMs: env.DRAIN_WINDOW,
})

await runMain(service, async (run) => {
  const env = readEnv(environment)
  const log = createLog(service, env.LOG_LEVEL)
  const telemetry = startTelemetry({
    service,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    sampleRatio: env.TRACE_SAMPLE_RATIO,
  })
  run.onStop('telemetry', () => telemetry.close())

  const health = createHealth()
  let failing: () => string | undefined = () => 'starting'
  health.ready('edge', () => failing())
  let disconnect: Edge['disconnect'] = () => Promise.reject(new Error('the edge has not started yet'))
  const app = createApi({ log, telemetry })
  mountInternal(app, env.SERVICE_TOKEN, { disconnect: (...whom) => disconnect(...whom) })
  const internal = await serveInternal({
    host: env.INTERNAL_HOST,
    port: env.INTERNAL_PORT,
    health,
    metrics: () => telemetry.metrics(),
    app,
  })
  run.onStop('internal listener', () => internal.close(0))

  const codec = await openCodec(env.SCHEMA_REGISTRY_URL, log)
  const kafka = connectKafka(env.KAFKA_BROKERS, { clientId: service, log, meter: telemetry.meter })
  run.onStop('kafka', () => kafka.close())

  const chat = createChatApi({
    url: env.CHAT_INTERNAL_URL,
    serviceToken: env.SERVICE_TOKEN,
    timeoutMs: env.CHAT_TIMEOUT,
  })
  const untilReached = setInterval(() => {
    if (chat.reached) clearInterval(untilReached)
    // Readiness says so for as long as it fails.
    else chat.heads([randomUUID()]).catch(() => undefined)
  }, chatRetryMs).unref()

  const edge = await startEdge({
    settings: edgeSettings(env),
    kafka,
    codec,
    chat,
    tracks: createTracksApi({
      ...{ url: env.TRACKS_INTERNAL_URL, serviceToken: env.SERVICE_TOKEN, timeoutMs: env.CHAT_TIMEOUT },
    }),
    tokens: createTokenVerifier({ jwksUrl: env.JWKS_URL, issuer: env.TOKEN_ISSUER, audience: 'veza' }),
    telemetry,
    log,
  })
  run.onStop('edge', () => {
    health.drain()
    return edge.close()
  })
  failing = () => edge.check()
  disconnect = (...whom) => edge.disconnect(...whom)
  log.info({ host: env.HOST, port: edge.port }, 'listening')
})
