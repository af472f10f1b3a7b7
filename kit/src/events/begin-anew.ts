import { isCollision } from '../postgres/index.ts'
import { VersionConflict } from './errors.ts'

/**
 * Does work in a transaction, and begins it anew when another one got in its way: appended to the same stream first
 * (VersionConflict), or made it come too late in its key's order, or held what it needed (isCollision). Whatever writes
 * before it appends needs this. The last attempt's error is thrown, and every other one at once.
 *
 * @param attempts how often at most; each that fails lets another transaction through
 * @param work opens the transaction itself, and has no effect beyond it
 */
export const beginAnew = async <T>(attempts: number, work: () => Promise<T>): Promise<T> => {
  for (let left = attempts; ; left--) {
    try {
      return await work()
    } catch (error) {
      if (left <= 1 || !(error instanceof VersionConflict || isCollision(error))) throw error
    }
  }
}
