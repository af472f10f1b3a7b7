import { integer, list, processEnvironment, url } from '@veza/kit/env'
import { outboxRelayEnvironment } from '@veza/outbox-relay'

/** The settings of the process that hosts the small workers. */
export const environment = {
  ...processEnvironment,
  ...outboxRelayEnvironment,
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  INTERNAL_PORT: integer('the port of probes and metrics', 9083, { max: 65_535 }),
}
