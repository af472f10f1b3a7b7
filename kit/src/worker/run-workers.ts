import { hostname } from 'node:os'
import { openCodec } from '../codec/index.ts'
import {
  type EnvironmentSpec,
  type EnvironmentValues,
  integer,
  list,
  processEnvironment,
  readEnv,
  runMain,
  url,
} from '../env/index.ts'
import { createHealth, serveInternal } from '../internal/index.ts'
import { connectKafka } from '../kafka/index.ts'
import { createLog } from '../log/index.ts'
import { startTelemetry } from '../telemetry/index.ts'
import { type HostedWorker, type WorkerCommon } from './types.ts'

/** The settings that every process of workers has beside theirs, unless they have their own of a name. */
export const workersEnvironment = {
  ...processEnvironment,
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  INTERNAL_PORT: integer('the port of probes and metrics', 9083, { max: 65_535 }),
} as const

/** Opens a worker in the process that is given. */
export type OpenWorker<S extends EnvironmentSpec> = (
  env: EnvironmentValues<S>,
  common: WorkerCommon,
) => HostedWorker | Promise<HostedWorker>

/**
 * Runs a process of one worker or several: the whole of a worker's main.ts. Reads the environment, connects to Kafka and the
 * registry, serves probes and metrics, and opens the workers one after the other; it is not ready before they are open. It
 * ends as runMain has it: readiness first, then the workers, the last opened first.
 *
 * @param name of the process: in logs and spans, and Kafka's client id
 * @param environment the workers' own settings
 */
export const runWorkers = <const S extends EnvironmentSpec>(
  name: string,
  environment: S,
  workers: readonly OpenWorker<S>[],
): Promise<void> =>
  runMain(name, async (run) => {
    const spec: EnvironmentSpec = { ...workersEnvironment, ...environment }
    const env = readEnv(spec) as EnvironmentValues<typeof workersEnvironment> & EnvironmentValues<S>
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
    let opened = 0
    health.ready('workers', () => (opened < workers.length ? 'not open yet' : undefined))
    // Before the workers: whoever is started beside a living process, by the same settings, ends here.
    const internal = await serveInternal({
      host: env.INTERNAL_HOST,
      port: env.INTERNAL_PORT,
      health,
      metrics: () => telemetry.metrics(),
    })
    run.onStop('internal listener', () => internal.close())
    const common: WorkerCommon = {
      ...{ codec, kafka, telemetry, health, log },
      instance: `${hostname()}:${internal.port}`,
      fail(error) {
        run.fail(error)
      },
    }
    for (const open of workers) {
      const worker = await open(env, common)
      run.onStop(worker.name, () => worker.stop())
      opened++
    }
    run.onStop('readiness', () => {
      health.drain()
    })
    log.info({ port: internal.port, workers: workers.length }, 'working')
  })
