import { isUniqueViolation } from '@veza/kit/postgres'
import { type Kysely } from 'kysely'
import { type Account } from '../domain/account.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDatabase } from './database.ts'

/** Throws Rejection `email-taken`. */
export const insertAccount = async (
  db: Kysely<AuthDatabase>,
  account: Account & { passwordHash: string },
  now: Date,
): Promise<void> => {
  try {
    await db
      .insertInto('accounts')
      .values({
        id: account.id,
        email: account.email,
        display_name: account.displayName,
        password_hash: account.passwordHash,
        created_at: now,
      })
      .execute()
  } catch (error) {
    if (isUniqueViolation(error, 'accounts_email_unique')) throw new Rejection('email-taken')
    throw error
  }
}

/** The account of an address in its normalised form. */
export const findAccountByEmail = async (
  db: Kysely<AuthDatabase>,
  email: string,
): Promise<(Account & { passwordHash: string }) | undefined> =>
  db
    .selectFrom('accounts')
    .select(['id', 'email', 'display_name as displayName', 'roles', 'password_hash as passwordHash'])
    .where('email', '=', email)
    .executeTakeFirst()
