export { dead, done, skip } from './outcome.ts'
export type * from './types.ts'
