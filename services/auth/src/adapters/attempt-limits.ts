import { type Kysely, sql } from 'kysely'
import { type AuthDatabase } from './database.ts'

/** So many at once, and as many a window over time. */
export interface AttemptLimit {
  readonly attempts: number
  /** Milliseconds. */
  readonly windowMs: number
}

/** A key's limit is used up. */
export class TooManyAttempts extends Error {
  /** Seconds until the next attempt may be made, at least 1. */
  readonly retryAfter: number

  constructor(retryAfter: number) {
    super('too many attempts')
    this.name = 'TooManyAttempts'
    this.retryAfter = retryAfter
  }
}

/** What is counted: `key` tells nothing of a person (a keyed hash). */
export interface Counted {
  readonly key: Buffer
  readonly limit: AttemptLimit
}

export interface AttemptLimits {
  /** Whether there is an attempt left of each. Rejects TooManyAttempts. */
  check(counted: readonly Counted[], now: Date): Promise<void>
  /** Counts an attempt that was made and failed, also when others used up the limit meanwhile. */
  charge(counted: readonly Counted[], now: Date): Promise<void>
  /** Checks and charges in one, so that nothing passes beside it: for what has an effect whenever it is let pass. */
  take(counted: readonly Counted[], now: Date): Promise<void>
  /** Forgets what was counted. */
  clear(keys: readonly Buffer[]): Promise<void>
  /** Removes what says nothing any more. */
  sweep(now: Date): Promise<void>
}

const intervalMs = ({ attempts, windowMs }: AttemptLimit) => windowMs / attempts
const later = (now: Date, ms: number) => new Date(now.getTime() + Math.ceil(ms))

/** All attempts are used up when they have paid for more than this. */
const mostPaid = ({ limit }: Counted, now: Date) => later(now, limit.windowMs - intervalMs(limit))

const tooMany = ({ limit }: Counted, paidUntil: Date, now: Date) => {
  const next = paidUntil.getTime() - limit.windowMs + intervalMs(limit)
  return new TooManyAttempts(Math.max(1, Math.ceil((next - now.getTime()) / 1000)))
}

/**
 * Counts in PostgreSQL by the generic cell rate algorithm: a row a key, and no window whose edge lets two windows'
 * attempts through. What is counted is what failed: signing in costs one question. Attempts side by side can pass the
 * check together, as many as are hashed at once; they are charged for all the same. A refused attempt costs nothing, and
 * nobody is charged for more than a window: whoever hammers at a key delays others by one interval (window / attempts).
 */
export const createAttemptLimits = (db: Kysely<AuthDatabase>): AttemptLimits => {
  const paidUntil = async (keys: readonly Buffer[]): Promise<ReadonlyMap<string, Date>> => {
    const rows = await db
      .selectFrom('attempts')
      .selectAll()
      .where('key', 'in', [...keys])
      .execute()
    return new Map(rows.map((row) => [row.key.toString('hex'), row.paid_until]))
  }

  const check: AttemptLimits['check'] = async (counted, now) => {
    const paid = await paidUntil(counted.map(({ key }) => key))
    for (const one of counted) {
      const until = paid.get(one.key.toString('hex'))
      if (until && until > mostPaid(one, now)) throw tooMany(one, until, now)
    }
  }

  return {
    check,
    async charge(counted, now) {
      for (const { key, limit } of counted)
        await sql`
          insert into attempts as a (key, paid_until) values (${key}, ${later(now, intervalMs(limit))})
          on conflict (key) do update set paid_until = least(
            greatest(a.paid_until, ${now}) + ${intervalMs(limit)} * interval '1 millisecond',
            ${later(now, limit.windowMs)})`.execute(db)
    },
    async take(counted, now) {
      await check(counted, now)
      for (const one of counted) {
        const { key, limit } = one
        const { rows } = await sql`
          insert into attempts as a (key, paid_until) values (${key}, ${later(now, intervalMs(limit))})
          on conflict (key) do update
            set paid_until = greatest(a.paid_until, ${now}) + ${intervalMs(limit)} * interval '1 millisecond'
            where a.paid_until <= ${mostPaid(one, now)}
          returning key`.execute(db)
        // Somebody else took the last one between our look and our taking.
        if (rows.length === 0) throw tooMany(one, mostPaid(one, later(now, 1)), now)
      }
    },
    async clear(keys) {
      if (keys.length > 0)
        await db
          .deleteFrom('attempts')
          .where('key', 'in', [...keys])
          .execute()
    },
    async sweep(now) {
      await db.deleteFrom('attempts').where('paid_until', '<=', now).execute()
    },
  }
}
