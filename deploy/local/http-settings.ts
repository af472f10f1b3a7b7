import { authEnvironment } from '@veza/auth'
import { chatEnvironment } from '@veza/chat'
import { integer, list, number, oneOf, optional, string, url } from '@veza/kit/env'
import { logLevels } from '@veza/kit/log'

/** The settings of the process that serves all HTTP services. */
export const environment = {
  ...authEnvironment,
  ...chatEnvironment,
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  HOST: string('the address that clients reach', '127.0.0.1'),
  HTTP_PORT: integer('the port that clients reach', 8080, { max: 65_535 }),
  INTERNAL_HOST: string("the address of probes, metrics and chat's internal API", '127.0.0.1'),
  INTERNAL_PORT: integer("the port of probes, metrics and chat's internal API", 9080, { max: 65_535 }),
  LOG_LEVEL: oneOf('what is logged', logLevels, 'info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(url('where traces are sent')),
  TRACE_SAMPLE_RATIO: number('share of traces that are recorded', 0.01, { max: 1 }),
}
