import { createTopics, registerSchemas } from '@veza/contracts/deploy'
import { ensureSystemPrograms, startInfrastructure } from '@veza/deploy/launcher'
import { programsDir, temporaryDataDir } from './data-dir.ts'

const settings = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL'] as const

/** Once for all: of a registry that has everything it takes a second, and every file of tests would ask. */
const provide = async (): Promise<void> => {
  await registerSchemas(process.env['SCHEMA_REGISTRY_URL'] ?? '')
  await createTopics((process.env['KAFKA_BROKERS'] ?? '').split(','), { replication: 1 })
}

/**
 * Global setup of the level `int`: Kafka, registry and PostgreSQL on ports and data of their own, each unless the
 * environment names one, with the catalogue's schemas and topics; ffmpeg of the system. Tests find them in the environment,
 * under the names that Veza's processes know.
 */
export const setup = async (): Promise<() => Promise<void>> => {
  const missing = settings.filter((name) => (process.env[name] ?? '') === '')
  const progress = (line: string): void => {
    process.stderr.write(`int: ${line}\n`)
  }
  if (missing.length === 0) {
    await ensureSystemPrograms({ env: process.env, progress })
    await provide()
    return () => Promise.resolve()
  }
  const dataDir = temporaryDataDir()
  const infrastructure = await startInfrastructure({
    dataDir: dataDir.path,
    programsDir,
    ports: 'random',
    progress,
  }).catch((error: unknown) => {
    dataDir.remove()
    throw error
  })
  process.env['KAFKA_BROKERS'] = infrastructure.kafkaBrokers
  process.env['SCHEMA_REGISTRY_URL'] = infrastructure.registryUrl
  process.env['DATABASE_URL'] = infrastructure.databaseUrl
  await provide()
  return async () => {
    // Or the next setup would take them for given.
    for (const name of missing) Reflect.deleteProperty(process.env, name)
    await infrastructure.stop()
    dataDir.remove()
  }
}
