/** The local stack as a library: what `npm start` runs, and what tests and the bench start on ports of their own. */
export { type Infrastructure, type InfrastructureOptions, startInfrastructure } from './infrastructure.ts'
export { type Child, ChildFailed } from './supervise.ts'
