import { openAuthErasure } from '@veza/auth-erasure'
import { openCodec } from '@veza/kit/codec'
import { type EnvironmentValues, readEnv, runMain } from '@veza/kit/env'
import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { startTelemetry } from '@veza/kit/telemetry'
import { type HostedWorker, type WorkerCommon } from '@veza/kit/worker'
import { openOutboxRelay } from '@veza/outbox-relay'
import { openUsersExports } from '@veza/users-exports'
import { openUsersProfiles } from '@veza/users-profiles'
import { openUsersViews } from '@veza/users-views'
import { environment } from './workers-settings.ts'

type Open = (
  env: EnvironmentValues<typeof environment>,
  common: WorkerCommon,
) => HostedWorker | Promise<HostedWorker>

/** A worker more is a line here and its settings in workers-settings.ts. */
const workers: readonly Open[] = [
  openOutboxRelay,
  openAuthErasure,
  openUsersViews,
  openUsersProfiles,
  openUsersExports,
]

/** The small workers in one process: the local shape of what are processes of their own. */
await runMain('workers', async (run) => {
  const env = readEnv(environment)
  const log = createLog('workers', env.LOG_LEVEL)
  const telemetry = startTelemetry({
    service: 'workers',
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    sampleRatio: env.TRACE_SAMPLE_RATIO,
  })
  run.onStop('telemetry', () => telemetry.close())
  const codec = await openCodec(env.SCHEMA_REGISTRY_URL, log)
  const kafka = connectKafka(env.KAFKA_BROKERS, { clientId: 'workers', log, meter: telemetry.meter })
  run.onStop('kafka', () => kafka.close())
  const health = createHealth()
  const common: WorkerCommon = {
    ...{ codec, kafka, telemetry, health },
    log,
    fail: (error) => {
      run.fail(error)
    },
  }
  for (const open of workers) {
    const worker = await open(env, common)
    run.onStop(worker.name, () => worker.stop())
  }

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
  log.info({ port: internal.port, workers: workers.length }, 'working')
})
