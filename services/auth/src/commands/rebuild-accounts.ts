import { type Insertable, type Kysely, sql } from 'kysely'
import { type AuthDatabase } from '../adapters/database.ts'
import { accountEvents } from '../adapters/publish.ts'
import { accountStream } from '../adapters/streams.ts'
import { type AccountEvent } from '../domain/account.ts'
import { type AuthDeps } from './deps.ts'

type Row = Insertable<AuthDatabase['accounts']> & { readonly roles: string[] }
type Deps = Pick<AuthDeps, 'db' | 'streams' | 'personal' | 'index'>

const atOnce = 200

/** Ids of accounts by their streams, after one. */
const nextAccounts = async (db: Kysely<AuthDatabase>, after: string): Promise<string[]> => {
  const { rows } = await sql<{ stream: string }>`
    select stream from events.events
    where stream > ${accountStream(after)} and stream < 'account-~' and version = 1
    order by stream limit ${atOnce}`.execute(db)
  return rows.map(({ stream }) => stream.slice(accountStream('').length))
}

/** The row that a history comes to. undefined: it is none of an account. */
const rowOf = (events: readonly AccountEvent[], emailHash: Buffer | null): Row | undefined => {
  let row: Row | undefined
  for (const event of events) {
    if (event.type === 'registered')
      row = {
        ...{ id: event.userId, email: Buffer.from(event.email), email_hash: emailHash },
        email_verified_at: event.emailVerified ? event.at : null,
        ...{ display_name: event.displayName, roles: [], version: 0, created_at: event.at, erased_at: null },
      }
    if (row === undefined) return undefined
    if (event.type === 'email-verified') row = { ...row, email_verified_at: event.at }
    if (event.type === 'roles-changed') row = { ...row, roles: [...event.roles] }
    if (event.type === 'erased')
      row = {
        ...row,
        ...{ email: null, email_hash: null, email_verified_at: null, display_name: '', erased_at: event.at },
      }
  }
  return row
}

const isSame = (one: object | undefined, other: object): boolean =>
  one !== undefined &&
  Object.entries(other).every(
    ([column, value]) => JSON.stringify((one as Record<string, unknown>)[column]) === JSON.stringify(value),
  )

/** What a rebuilding came to. */
export interface RebuiltAccounts {
  readonly accounts: number
  /** Rows that were not as their events have it, or missing. */
  readonly mended: number
}

/**
 * Makes the rows of accounts anew from their events, one account a transaction, beside running services: who changes an
 * account meanwhile waits for its row, or is waited for. What is in no event stays as it is: passwords, sessions.
 */
export const rebuildAccounts =
  ({ db, streams, personal, index }: Deps) =>
  async (progress: (accounts: number) => void = () => undefined): Promise<RebuiltAccounts> => {
    /** Of an address that never changes, so it may be opened before the row is locked. */
    const hashesOf = async (userIds: readonly string[]): Promise<Map<string, Buffer | null>> => {
      const sealed = await Promise.all(
        userIds.map(async (userId) => {
          const [first] = accountEvents(
            await streams.store.readStream(db, accountStream(userId), { limit: 1 }),
          )
          return {
            userId,
            field: 'email' as const,
            sealed: first?.type === 'registered' ? first.email : null,
          }
        }),
      )
      const emails = await personal.open(sealed)
      return new Map(
        userIds.map((userId, n) => {
          const email = emails[n] ?? null
          return [userId, email === null ? null : index.email(email)]
        }),
      )
    }

    const mend = (userId: string, emailHash: Buffer | null): Promise<boolean> =>
      db.transaction().execute(async (trx) => {
        const live = await trx
          .selectFrom('accounts')
          .selectAll()
          .where('id', '=', userId)
          .forUpdate()
          .executeTakeFirst()
        const records = await streams.store.readStream(trx, accountStream(userId))
        const folded = rowOf(accountEvents(records), emailHash)
        if (folded === undefined) return false
        const row = { ...folded, version: records.at(-1)?.version ?? 0 }
        if (isSame(live, row)) return false
        await trx
          .insertInto('accounts')
          .values(row)
          .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
          .execute()
        return true
      })

    let [accounts, mended, after] = [0, 0, '']
    for (;;) {
      const userIds = await nextAccounts(db, after)
      const last = userIds.at(-1)
      if (last === undefined) return { accounts, mended }
      after = last
      const hashes = await hashesOf(userIds)
      for (const userId of userIds) if (await mend(userId, hashes.get(userId) ?? null)) mended++
      accounts += userIds.length
      progress(accounts)
    }
  }
