import { list, readEnv, url } from '../env/index.ts'

/** The real parts that tests of level int and e2e use. */
export interface Infrastructure {
  readonly kafkaBrokers: string[]
  readonly schemaRegistryUrl: string
  /** A server on which tests may create databases. */
  readonly databaseUrl: string
}

const spec = {
  KAFKA_BROKERS: list('Kafka to test with'),
  SCHEMA_REGISTRY_URL: url('Schema registry to test with'),
  DATABASE_URL: url('PostgreSQL server to test with', undefined, { schemes: ['postgres', 'postgresql'] }),
}

/**
 * Where the real parts are.
 *
 * @throws Error of one line when the environment does not say
 */
export const infrastructure = (
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Infrastructure => {
  try {
    const env = readEnv(spec, environment)
    return {
      kafkaBrokers: env.KAFKA_BROKERS,
      schemaRegistryUrl: env.SCHEMA_REGISTRY_URL,
      databaseUrl: env.DATABASE_URL,
    }
  } catch (cause) {
    throw new Error(
      'tests with real parts need KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL: npm test starts them, or set all three',
      { cause },
    )
  }
}
