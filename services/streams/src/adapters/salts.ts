import { createHmac } from 'node:crypto'
import { type QueryExecutorProvider, sql } from 'kysely'
import { LRUCache } from 'lru-cache'

const dayMs = 86_400_000

/** Stands for people, day by day: nobody can tell that two of different days are the same person. */
export interface DailyDigests {
  /** Makes the salts of these days (whole days since the Unix epoch) where there are none. */
  prepare(days: Iterable<number>): Promise<void>
  /** A UUID by its form, 128 bits of an HMAC. Throws Error for a day that was not prepared. */
  digest(day: number, person: string): string
  /** Deletes the salts of days before this one: what was digested with them is nobody's any more. */
  forget(beforeDay: number): Promise<void>
}

/**
 * Salts are random and kept in the database beside the counts, not with them: a recount finds them, as long as the events
 * are there that it reads. A salt lives on a connection of its own, so that no transaction that fails takes one back.
 */
export const dailyDigests = (db: QueryExecutorProvider): DailyDigests => {
  const salts = new Map<number, Buffer>()
  const digests = new LRUCache<string, string>({ max: 100_000 })
  return {
    async prepare(days) {
      const missing = [...new Set(days)].filter((day) => !salts.has(day)).sort((a, b) => a - b)
      if (missing.length === 0) return
      await sql`
        insert into salts (day, salt)
        select day, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
        from unnest(${missing}::int[]) as wanted (day) on conflict do nothing`.execute(db)
      const { rows } = await sql<{ day: number; salt: Buffer }>`
        select day, salt from salts where day = any(${missing}::int[])`.execute(db)
      for (const { day, salt } of rows) salts.set(day, salt)
    },
    digest(day, person) {
      const key = `${day}${person}`
      const known = digests.get(key)
      if (known !== undefined) return known
      const salt = salts.get(day)
      if (salt === undefined) throw new Error(`no salt of day ${day} was made`)
      const hex = createHmac('sha256', salt).update(person).digest('hex')
      const digest = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
      digests.set(key, digest)
      return digest
    },
    async forget(beforeDay) {
      await sql`delete from salts where day < ${beforeDay}`.execute(db)
      for (const day of salts.keys()) if (day < beforeDay) salts.delete(day)
      digests.clear()
    },
  }
}

/** Whole days since the Unix epoch. */
export const dayOf = (at: number): number => Math.floor(at / dayMs)
