import { hash, verify } from '@node-rs/argon2'
import { verify as verifyBcrypt } from '@node-rs/bcrypt'
import { argon2Cost } from '../domain/password-hash.ts'

/** Every hashing slot is taken and the queue is full: come back in a second. */
export class HasherBusy extends Error {
  constructor() {
    super('password hashing is at its limit')
    this.name = 'HasherBusy'
  }
}

export interface PasswordHasher {
  /** The PHC string of a password. Rejects HasherBusy. */
  hash(password: string): Promise<string>
  /**
   * Whether the password is the one hashed. Without a hash (no such account) it does the same work and answers false.
   * Rejects HasherBusy.
   */
  verify(password: string, hashed: string | undefined): Promise<boolean>
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

/**
 * Bounds the memory that hashing takes: `concurrency` hashes (47 MiB each) run at once, `queue` more wait in order,
 * beyond that HasherBusy at once.
 */
export const createPasswordHasher = async (
  limits: { concurrency: number; queue: number },
  work: HashFunction = argon2id,
): Promise<PasswordHasher> => {
  const waiting: (() => void)[] = []
  let running = 0

  const bounded = async <T>(job: () => Promise<T>): Promise<T> => {
    if (running < limits.concurrency) running++
    else {
      if (waiting.length >= limits.queue) throw new HasherBusy()
      // The slot is handed over, not freed: nobody can step in between.
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await job()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  const nobody = await work.hash('nobody has this password')
  return {
    hash: (password) => bounded(() => work.hash(password)),
    async verify(password, hashed) {
      const matches = await bounded(() => work.verify(hashed ?? nobody, password))
      return matches && hashed !== undefined
    },
  }
}
