import { SealBroken } from '@veza/kit/sealing'
import { type Insertable, type Kysely, sql, type Transaction } from 'kysely'
import { findAccount } from '../adapters/account-store.ts'
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

/** A stream as it was read, and what of it is sealed. */
interface History {
  readonly userId: string
  readonly events: readonly AccountEvent[]
  readonly version: number
  /** null where nobody can open the address any more: the person was erased. */
  readonly emailHash: Buffer | null
  readonly sealedName: Buffer | null
  readonly identities: readonly Insertable<AuthDatabase['identities']>[]
}

/** The row that a history comes to. undefined: it is none of an account. */
const rowOf = ({ events, version, emailHash, sealedName }: History): Row | undefined => {
  let row: Row | undefined
  for (const event of events) {
    if (event.type === 'registered')
      row = {
        ...{ id: event.userId, email: Buffer.from(event.email), email_hash: emailHash },
        email_verified_at: event.emailVerified ? event.at : null,
        ...{ sealed_name: sealedName, display_name: null, roles: [], version },
        ...{ created_at: event.at, erased_at: null },
      }
    if (row === undefined) return undefined
    if (event.type === 'email-verified') row = { ...row, email_verified_at: event.at }
    if (event.type === 'roles-changed') row = { ...row, roles: [...event.roles] }
    if (event.type === 'erased')
      row = {
        ...row,
        ...{ email: null, email_hash: null, email_verified_at: null, sealed_name: null, erased_at: event.at },
      }
  }
  return row
}

const ifBroken = (error: unknown): [] => {
  if (error instanceof SealBroken) return []
  throw error
}

const isSame = (one: object | undefined, other: object): boolean =>
  one !== undefined &&
  Object.entries(other).every(
    ([column, value]) => JSON.stringify((one as Record<string, unknown>)[column]) === JSON.stringify(value),
  )

/** Makes the links of an account to identities elsewhere those of its events. Answers how many were not. */
const mendIdentities = async (
  trx: Transaction<AuthDatabase>,
  { userId, identities }: History,
): Promise<number> => {
  const hashes = identities.map(({ identity_hash }) => identity_hash)
  const { numDeletedRows } = await trx
    .deleteFrom('identities')
    .where('account_id', '=', userId)
    .$if(hashes.length > 0, (query) => query.where('identity_hash', 'not in', hashes))
    .executeTakeFirst()
  let mended = Number(numDeletedRows)
  for (const identity of identities) {
    const { numInsertedOrUpdatedRows = 0n } = await trx
      .insertInto('identities')
      .values(identity)
      // Two accounts can say that they were linked to it, where the first link was lost: the newer one holds.
      .onConflict((conflict) =>
        conflict
          .column('identity_hash')
          .doUpdateSet(identity)
          .where('identities.linked_at', '<', identity.linked_at),
      )
      .executeTakeFirst()
    mended += Number(numInsertedOrUpdatedRows)
  }
  return mended
}

/** What a rebuilding came to. */
export interface RebuiltAccounts {
  readonly accounts: number
  /** Accounts whose rows were not as their events have it, or missing. */
  readonly mended: number
}

/**
 * Makes the rows of accounts and of their identities elsewhere anew from their events, one account a transaction, beside
 * running services: who changes an account meanwhile waits for its row, or is waited for. What is in no event stays as it
 * is: passwords, sessions (ADR 37).
 */
export const rebuildAccounts =
  ({ db, streams, personal, index }: Deps) =>
  async (progress: (accounts: number) => void = () => undefined): Promise<RebuiltAccounts> => {
    /** An event of before names were sealed has it as a text. What the row has of it already is as good. */
    const sealName = async (userId: string, name: string): Promise<Buffer> => {
      const live = await findAccount(db, userId)
      if (live?.displayName instanceof Buffer) {
        const sealed = live.displayName
        const [opened] = await personal.open([{ userId, field: 'displayName', sealed }]).catch(ifBroken)
        if (opened === name) return sealed
      }
      return personal.sealOne(userId, 'displayName', name)
    }

    const readHistory = async (userId: string): Promise<History> => {
      const records = await streams.store.readStream(db, accountStream(userId))
      const events = accountEvents(records)
      const version = records.at(-1)?.version ?? 0
      const [first] = events
      const registered = first?.type === 'registered' ? first : undefined
      const linked = events.flatMap((event) => (event.type === 'identity-linked' ? [event] : []))
      const [email, ...subjects] = await personal.open([
        { userId, field: 'email', sealed: registered?.email ?? null },
        ...linked.map(({ subject }) => ({ userId, field: 'subject' as const, sealed: subject })),
      ])
      if (!registered || typeof email !== 'string')
        return { userId, events, version, emailHash: null, sealedName: null, identities: [] }
      const { displayName } = registered
      return {
        ...{ userId, events, version, emailHash: index.email(email) },
        sealedName:
          typeof displayName === 'string' ? await sealName(userId, displayName) : Buffer.from(displayName),
        identities: linked.map(({ issuer, at }, n) => ({
          ...{ identity_hash: index.identity(issuer, subjects[n] ?? ''), account_id: userId },
          ...{ issuer, linked_at: at },
        })),
      }
    }

    /** Answers whether the rows were other ones; undefined: there are events that the history has not. */
    const write = (history: History): Promise<boolean | undefined> =>
      db.transaction().execute(async (trx) => {
        const { userId } = history
        const live = await trx
          .selectFrom('accounts')
          .selectAll()
          .where('id', '=', userId)
          .forUpdate()
          .executeTakeFirst()
        if ((await streams.store.currentVersion(trx, accountStream(userId))) > history.version)
          return undefined
        const row = rowOf(history)
        if (row === undefined) return false
        const isRowSame = isSame(live, row)
        if (!isRowSame)
          await trx
            .insertInto('accounts')
            .values(row)
            .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
            .execute()
        return (await mendIdentities(trx, history)) > 0 || !isRowSame
      })

    /** What is sealed is opened before the row is locked: no transaction is to wait for the holder of the keys. */
    const mend = async (userId: string): Promise<boolean> =>
      (await write(await readHistory(userId))) ?? mend(userId)

    let [accounts, mended, after] = [0, 0, '']
    for (;;) {
      const userIds = await nextAccounts(db, after)
      const last = userIds.at(-1)
      if (last === undefined) return { accounts, mended }
      after = last
      for (const userId of userIds) if (await mend(userId)) mended++
      accounts += userIds.length
      progress(accounts)
    }
  }
