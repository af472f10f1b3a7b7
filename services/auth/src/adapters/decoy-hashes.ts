import { type Kysely, sql } from 'kysely'
import { currentHashPrefix } from '../domain/password-hash.ts'
import { type AuthDatabase } from './database.ts'

/** What a password is held against where there is no account. */
export interface DecoyHashes {
  /** Looks at what hashes there are. */
  refresh(): Promise<void>
  /**
   * The hash for an address that nobody has; undefined: one of our own making. The same address gets the same kind every
   * time, and over all addresses a kind is as frequent as it is among accounts.
   */
  of(emailHash: Buffer): string | undefined
}

/**
 * Hashes from a former platform take another time to verify than ours. If nobody's were always ours, a sign-in that
 * takes as long as bcrypt would tell that there is an account.
 */
export const createDecoyHashes = (db: Kysely<AuthDatabase>): DecoyHashes => {
  let [sample, share]: [string | undefined, number] = [undefined, 0]
  // Literal, so that the planner knows that the partial index has the answer.
  const isForeign = sql.raw(`password_hash not like '${currentHashPrefix}%'`)
  return {
    async refresh() {
      const { rows } = await sql<{ foreign: number; all: number; sample: string | null }>`
        select count(*) as foreign,
          (select greatest(reltuples, 0)::bigint from pg_class where oid = 'credentials'::regclass) as all,
          (select password_hash from credentials where ${isForeign} limit 1) as sample
        from credentials where ${isForeign}`.execute(db)
      const [found] = rows
      sample = found?.sample ?? undefined
      // The total is the planner's estimate, 0 on a table that it never looked at.
      share = found && found.foreign > 0 ? found.foreign / Math.max(found.all, found.foreign) : 0
    },
    of: (emailHash) => (emailHash.readUInt32BE() / 2 ** 32 < share ? sample : undefined),
  }
}
