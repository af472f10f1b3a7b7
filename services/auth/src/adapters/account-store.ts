import { isUniqueViolation } from '@veza/kit/postgres'
import { type Kysely, sql, type Transaction, type Updateable } from 'kysely'
import { type AccountEvent, type Role } from '../domain/account.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDatabase } from './database.ts'

/** An account as its row tells it. */
export interface StoredAccount {
  /** UUID. */
  readonly id: string
  /** Sealed; null = erased. */
  readonly email: Buffer | null
  /** Keyed hash of the address; null = erased. */
  readonly emailHash: Buffer | null
  readonly emailVerified: boolean
  /** Sealed; a text where it is not sealed yet; null = erased. */
  readonly displayName: Buffer | string | null
  readonly roles: readonly Role[]
  /** Of its stream. */
  readonly version: number
}

const columns = [
  'accounts.id',
  'accounts.email',
  'accounts.email_hash',
  'accounts.email_verified_at',
  'accounts.sealed_name',
  'accounts.display_name',
  'accounts.roles',
  'accounts.version',
] as const

/** The columns of a StoredAccount, selected. */
export interface AccountRow {
  readonly id: string
  readonly email: Buffer | null
  readonly email_hash: Buffer | null
  readonly email_verified_at: Date | null
  readonly sealed_name: Buffer | null
  readonly display_name: string | null
  readonly roles: readonly Role[]
  readonly version: number
}

export const storedAccount = (row: AccountRow): StoredAccount => ({
  id: row.id,
  email: row.email,
  emailHash: row.email_hash,
  emailVerified: row.email_verified_at !== null,
  displayName: row.sealed_name ?? row.display_name,
  roles: row.roles,
  version: row.version,
})

/** By id, unless it was erased. */
export const findAccount = async (
  db: Kysely<AuthDatabase>,
  id: string,
): Promise<StoredAccount | undefined> => {
  const row = await db
    .selectFrom('accounts')
    .select(columns)
    .where('id', '=', id)
    .where('erased_at', 'is', null)
    .executeTakeFirst()
  return row && storedAccount(row)
}

/** By the keyed hash of its address. */
export const findAccountByEmail = async (
  db: Kysely<AuthDatabase>,
  emailHash: Buffer,
): Promise<StoredAccount | undefined> => {
  const row = await db
    .selectFrom('accounts')
    .select(columns)
    .where('email_hash', '=', emailHash)
    .executeTakeFirst()
  return row && storedAccount(row)
}

/** What signing in needs to know. */
export interface SignInAccount extends StoredAccount {
  /** undefined: the account has no password. */
  readonly passwordHash: string | undefined
  /** Whether the person has signed in from this network in the last 30 days. */
  readonly isKnownNetwork: boolean
}

/** One statement, whether there is such an account or not, so that its timing does not tell. */
export const findSignIn = async (
  db: Kysely<AuthDatabase>,
  { emailHash, network, now }: { emailHash: Buffer; network: Buffer; now: Date },
): Promise<SignInAccount | undefined> => {
  const row = await db
    .selectFrom('accounts')
    .leftJoin('credentials', 'credentials.account_id', 'accounts.id')
    .select([...columns, 'credentials.password_hash'])
    .select(
      sql<boolean>`exists (select from sessions where sessions.account_id = accounts.id
        and sessions.network = ${network} and sessions.expires_at > ${now})`.as('is_known_network'),
    )
    .where('email_hash', '=', emailHash)
    .executeTakeFirst()
  return (
    row && {
      ...storedAccount(row),
      passwordHash: row.password_hash ?? undefined,
      isKnownNetwork: row.is_known_network,
    }
  )
}

/** The account that an identity elsewhere is linked to. */
export const findAccountByIdentity = async (
  db: Kysely<AuthDatabase>,
  identityHash: Buffer,
): Promise<StoredAccount | undefined> => {
  const row = await db
    .selectFrom('identities')
    .innerJoin('accounts', 'accounts.id', 'identities.account_id')
    .select(columns)
    .where('identity_hash', '=', identityHash)
    .executeTakeFirst()
  return row && storedAccount(row)
}

/** Links an identity elsewhere to an account. Rejects a unique violation (identities_pkey) when it is linked already. */
export const insertIdentity = async (
  trx: Kysely<AuthDatabase>,
  identityHash: Buffer,
  { userId, issuer, at }: { userId: string; issuer: string; at: Date },
): Promise<void> => {
  await trx
    .insertInto('identities')
    .values({ identity_hash: identityHash, account_id: userId, issuer, linked_at: at })
    .execute()
}

/** Reserves the address and writes the row of an account that is registered. Throws Rejection `email-taken`. */
export const insertAccount = async (
  trx: Transaction<AuthDatabase>,
  {
    event,
    emailHash,
    sealedName,
  }: {
    event: Extract<AccountEvent, { type: 'registered' }>
    emailHash: Buffer
    sealedName: Buffer
  },
): Promise<void> => {
  try {
    await trx
      .insertInto('accounts')
      .values({
        id: event.userId,
        email_hash: emailHash,
        email: Buffer.from(event.email),
        email_verified_at: event.emailVerified ? event.at : null,
        sealed_name: sealedName,
        version: 1,
        created_at: event.at,
        erased_at: null,
      })
      .execute()
  } catch (error) {
    if (isUniqueViolation(error, 'accounts_email_unique')) throw new Rejection('email-taken')
    throw error
  }
}

/** Brings the row of an account up to its stream. Registration is insertAccount's. */
export const projectAccount = async (
  trx: Kysely<AuthDatabase>,
  userId: string,
  { events, version }: { events: readonly AccountEvent[]; version: number },
): Promise<void> => {
  if (events.length === 0) return
  const changes = events.map((event): Updateable<AuthDatabase['accounts']> => {
    switch (event.type) {
      case 'email-verified':
        return { email_verified_at: event.at }
      case 'roles-changed':
        return { roles: [...event.roles] }
      case 'erased':
        return {
          email: null,
          email_hash: null,
          email_verified_at: null,
          sealed_name: null,
          display_name: null,
          erased_at: event.at,
        }
      case 'registered':
      case 'password-changed':
      case 'identity-linked':
        return {}
    }
  })
  await trx
    .updateTable('accounts')
    .set(changes.reduce((all, change) => ({ ...all, ...change }), { version }))
    .where('id', '=', userId)
    .execute()
}

/**
 * Holds an account as it is until the transaction ends: not erased, and with this password hash where one is given. Answers
 * false when it is no longer so.
 */
export const holdAccount = async (
  trx: Transaction<AuthDatabase>,
  userId: string,
  passwordHash: string | undefined,
): Promise<boolean> => {
  const account = await trx
    .selectFrom('accounts')
    .select('id')
    .where('id', '=', userId)
    .where('erased_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  if (!account || passwordHash === undefined) return account !== undefined
  const credential = await trx
    .selectFrom('credentials')
    .select('account_id')
    .where('account_id', '=', userId)
    .where('password_hash', '=', passwordHash)
    .forShare()
    .executeTakeFirst()
  return credential !== undefined
}

/** undefined: the account has no password. */
export const findPasswordHash = async (
  db: Kysely<AuthDatabase>,
  userId: string,
): Promise<string | undefined> =>
  (
    await db
      .selectFrom('credentials')
      .select('password_hash')
      .where('account_id', '=', userId)
      .executeTakeFirst()
  )?.password_hash

export const setPasswordHash = async (
  db: Kysely<AuthDatabase>,
  userId: string,
  passwordHash: string,
): Promise<void> => {
  await db
    .insertInto('credentials')
    .values({ account_id: userId, password_hash: passwordHash })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet({ password_hash: passwordHash }))
    .execute()
}

/** Puts a better hash of the same password in the place of the one that was verified, unless it changed meanwhile. */
export const replacePasswordHash = async (
  db: Kysely<AuthDatabase>,
  userId: string,
  { from, to }: { from: string; to: string },
): Promise<void> => {
  await db
    .updateTable('credentials')
    .set({ password_hash: to })
    .where('account_id', '=', userId)
    .where('password_hash', '=', from)
    .execute()
}
export const deletePasswordHash = async (db: Kysely<AuthDatabase>, userId: string): Promise<void> => {
  await db.deleteFrom('credentials').where('account_id', '=', userId).execute()
}
