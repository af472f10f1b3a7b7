import { type ReadableSpan, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { type Telemetry, startTelemetry } from '../telemetry/index.ts'

/** Telemetry that keeps what it recorded. */
export interface TestTelemetry extends Telemetry {
  /** The spans that ended, in the order of their ends. */
  readonly spans: () => ReadableSpan[]
}

/** Telemetry that records every trace in memory. */
export const testTelemetry = (): TestTelemetry => {
  const exporter = new InMemorySpanExporter()
  const telemetry = startTelemetry({
    service: 'test',
    sampleRatio: 1,
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  })
  return { ...telemetry, spans: () => exporter.getFinishedSpans() }
}
