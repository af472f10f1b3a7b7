import { type Kysely, sql, type Transaction } from 'kysely'
import { Rejection } from '../domain/rejection.ts'
import { type ChatDatabase } from './schema.ts'

const lockOf = (userId: string) => sql`hashtextextended(${userId}, 20261124)`

/** Throws Rejection `user-erased`; otherwise none of them is erased until the transaction ends. */
export const refuseErased = async (
  trx: Transaction<ChatDatabase>,
  userIds: readonly string[],
): Promise<void> => {
  if (userIds.length === 0) return
  for (const userId of [...userIds].sort())
    await sql`select pg_advisory_xact_lock_shared(${lockOf(userId)})`.execute(trx)
  const { rows } = await sql`select from erased_users where user_id = any(${userIds}::uuid[])`.execute(trx)
  if (rows.length > 0) throw new Rejection('user-erased')
}

/** From now on they are let into no room: waits for those who are letting them in. */
export const markErased = async (db: Kysely<ChatDatabase>, userId: string, at: Date): Promise<void> => {
  await sql`select pg_advisory_xact_lock(${lockOf(userId)})`.execute(db)
  await sql`insert into erased_users values (${userId}, ${at}) on conflict do nothing`.execute(db)
}
