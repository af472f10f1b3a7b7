/** The local stack as a library: what `npm start` runs, and what tests and the bench start on ports of their own. */
export {
  type Infrastructure,
  type InfrastructureOptions,
  type Ports,
  startInfrastructure,
} from './infrastructure.ts'
export { type Endpoints, startVeza, type Veza } from './veza.ts'
export { provision } from './provision.ts'
export { type Child, ChildFailed } from './supervise.ts'
export { installPrograms } from './programs.ts'
export { findJava } from './java.ts'
export { MachineNotReady } from './checks.ts'
export { ensureSystemPrograms } from './system-programs.ts'
