import { logLevels } from '../log/index.ts'
import { number, oneOf, optional, string, url } from './settings.ts'

/** The settings that every process has. */
export const processEnvironment = {
  INTERNAL_HOST: string('the address of the internal listener: probes, metrics, internal APIs', '127.0.0.1'),
  LOG_LEVEL: oneOf('the least level that is logged', logLevels, 'info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(url('where traces are sent')),
  TRACE_SAMPLE_RATIO: number('share of traces that are recorded', 0.01, { max: 1 }),
} as const
