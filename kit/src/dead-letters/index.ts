export { type DeadLetter, type DeadLetterId, findDeadLetter, readDeadLetters } from './read.ts'
export { redriven } from './redriven.ts'
