export { type Logger, createLog, logLevels } from './log.ts'
export { messageOf } from './message.ts'
