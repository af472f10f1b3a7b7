import { randomBytes } from 'node:crypto'

/** Short, and different from whatever the same room or user had before: equality is all that is asked of it. */
export const newEpoch = (): string => randomBytes(6).toString('base64url')
