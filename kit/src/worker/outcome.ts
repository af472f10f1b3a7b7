import { type Outcome } from './types.ts'

export const done: Outcome = { kind: 'done' }

/** Nothing to do, on purpose. */
export const skip = (reason: string): Outcome => ({ kind: 'skip', reason })

/** Never going to work: the record goes to the dead-letter topic with this reason. */
export const dead = (reason: string): Outcome => ({ kind: 'dead', reason })
