import { hash, verify } from '@node-rs/argon2'
import { verify as verifyBcrypt } from '@node-rs/bcrypt'
import { argon2Cost } from '../domain/password-hash.ts'

/** As many are in as may be: come back in a second. */
export class HasherBusy extends Error {
  constructor() {
    super('password hashing is at its limit')
    this.name = 'HasherBusy'
  }
}

/** What somebody who was let in may have done, in turn with the others. */
export interface Hashing {
  /** The PHC string of a password. */
  readonly hash: (password: string) => Promise<string>
  /** Whether the password is the one hashed. Without a hash (no such account) it does the same work and answers false. */
  readonly verify: (password: string, hashed: string | undefined) => Promise<boolean>
}

export interface PasswordHasher {
  /**
   * Lets a caller in for the length of `work`, or rejects HasherBusy at once. Ask before anything else is done for the
   * caller: a crowd is to be turned away before it costs queries.
   */
  admit<T>(work: (hashing: Hashing) => Promise<T>): Promise<T>
}

/** The work itself, apart so that a test can count it. */
export interface HashFunction {
  hash(password: string): Promise<string>
  verify(hashed: string, password: string): Promise<boolean>
}

/** argon2id (the package's default), 47 MiB, one pass, one lane; verifies bcrypt too. Runs on libuv's thread pool. */
export const argon2id: HashFunction = {
  hash: (password) => hash(password, argon2Cost),
  verify: (hashed, password) =>
    hashed.startsWith('$2') ? verifyBcrypt(password, hashed) : verify(hashed, password),
}

/** Runs so many jobs at once, in the order in which they came. */
const inTurns = (atOnce: number) => {
  const waiting: (() => void)[] = []
  let running = 0
  return async <T>(job: () => Promise<T>): Promise<T> => {
    if (running < atOnce) running++
    // The slot is handed over, not freed: nobody can step in between.
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await job()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

/**
 * Bounds the memory that hashing takes: `concurrency` hashes (47 MiB each) run at once; `concurrency + queue` callers are
 * in at once, of whom all but the first wait before anything is done for them. So a crowd comes to the database one after
 * the other, at the pace of the hashes, and not in one wave that all other requests would have to wait for.
 */
export const createPasswordHasher = async (
  limits: { concurrency: number; queue: number },
  work: HashFunction = argon2id,
): Promise<PasswordHasher> => {
  const hashInTurn = inTurns(limits.concurrency)
  // One more than hash: its queries are made while the one before it hashes.
  const workInTurn = inTurns(limits.concurrency + 1)
  let admitted = 0

  const nobody = await work.hash('nobody has this password')
  const hashing: Hashing = {
    hash: (password) => hashInTurn(() => work.hash(password)),
    verify: async (password, hashed) => {
      const matches = await hashInTurn(() => work.verify(hashed ?? nobody, password))
      return matches && hashed !== undefined
    },
  }
  return {
    async admit(work) {
      if (admitted >= limits.concurrency + limits.queue) throw new HasherBusy()
      admitted++
      try {
        return await workInTurn(() => work(hashing))
      } finally {
        admitted--
      }
    },
  }
}
