export { type HyperLogLog, hyperLogLog } from './hyperloglog.ts'
