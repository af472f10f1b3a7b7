export { type Logger, createLog, logLevels } from './log.ts'
