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

/** What of the row is sealed in its events: null where nobody can open it any more. */
interface Opened {
  readonly emailHash: Buffer | null
  readonly displayName: string | null
}

/** The row that a history comes to. undefined: it is none of an account. */
const rowOf = (events: readonly AccountEvent[], { emailHash, displayName }: Opened): Row | undefined => {
  let row: Row | undefined
  for (const event of events) {
    if (event.type === 'registered')
      row = {
        ...{ id: event.userId, email: Buffer.from(event.email), email_hash: emailHash },
        email_verified_at: event.emailVerified ? event.at : null,
        ...{ display_name: displayName ?? '', roles: [], version: 0, created_at: event.at, erased_at: null },
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
    /** What never changes may be opened before the row is locked. */
    const openAll = async (userIds: readonly string[]): Promise<Opened[]> => {
      const firsts = await Promise.all(
        userIds.map(async (userId) => {
          const records = await streams.store.readStream(db, accountStream(userId), { limit: 1 })
          const [first] = accountEvents(records)
          return { userId, registered: first?.type === 'registered' ? first : undefined }
        }),
      )
      const opened = await personal.open(
        firsts.flatMap(({ userId, registered }) => {
          const name = registered?.displayName
          return [
            { userId, field: 'email', sealed: registered?.email ?? null } as const,
            { userId, field: 'displayName', sealed: name instanceof Uint8Array ? name : null } as const,
          ]
        }),
      )
      return firsts.map(({ registered }, n) => {
        const [email, name] = opened.slice(2 * n)
        const written = registered?.displayName
        return {
          emailHash: typeof email === 'string' ? index.email(email) : null,
          displayName: typeof written === 'string' ? written : (name ?? null),
        }
      })
    }

    const mend = (userId: string, opened: Opened): Promise<boolean> =>
      db.transaction().execute(async (trx) => {
        const live = await trx
          .selectFrom('accounts')
          .selectAll()
          .where('id', '=', userId)
          .forUpdate()
          .executeTakeFirst()
        const records = await streams.store.readStream(trx, accountStream(userId))
        const folded = rowOf(accountEvents(records), opened)
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
      const opened = await openAll(userIds)
      for (const [n, one] of opened.entries()) if (await mend(userIds[n] ?? '', one)) mended++
      accounts += userIds.length
      progress(accounts)
    }
  }
