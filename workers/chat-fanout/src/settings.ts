import { integer, list, number, oneOf, optional, string, url } from '@veza/kit/env'
import { logLevels } from '@veza/kit/log'

/** The worker's settings, all of them read in main.ts. */
export const environment = {
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  CHAT_DATABASE_URL: url("chat's PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
  CHAT_FANOUT_CHUNK: integer('commands of one transaction at most', 1_000, { min: 1, max: 10_000 }),
  INTERNAL_HOST: string('the address of probes and metrics', '127.0.0.1'),
  INTERNAL_PORT: integer('the port of probes and metrics', 9082, { max: 65_535 }),
  LOG_LEVEL: oneOf('what is logged', logLevels, 'info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(url('where traces are sent')),
  TRACE_SAMPLE_RATIO: number('share of traces that are recorded', 0.01, { max: 1 }),
}
