export { dead, done, skip } from './outcome.ts'
export { runWorker } from './run-worker.ts'
export { runWorkers, workersEnvironment } from './run-workers.ts'
export type * from './types.ts'
