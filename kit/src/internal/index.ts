export { type ProcessReport, askProcess } from './ask-process.ts'
export { type Check, type Health, type HealthReport, createHealth } from './health.ts'
export { type InternalOptions, serveInternal } from './serve-internal.ts'
