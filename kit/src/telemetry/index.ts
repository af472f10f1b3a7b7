export { type Telemetry, type TelemetryOptions, startTelemetry } from './telemetry.ts'
export { contextOf, traceparent } from './traceparent.ts'
