export { type Sample, parseMetrics, quantileBetween, riseOf, sumOf } from './parse-metrics.ts'
export { type Telemetry, type TelemetryOptions, startTelemetry } from './telemetry.ts'
export { contextOf, traceparent } from './traceparent.ts'
