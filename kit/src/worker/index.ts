export { dead, done, skip } from './outcome.ts'
export { runWorker } from './run-worker.ts'
export type * from './types.ts'
