import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { Rejection } from '../domain/rejection.ts'
import { type ChatDatabase } from './schema.ts'

const lockOf = (userId: string | RawBuilder<unknown>) => sql`hashtextextended(${userId}, 20261124)`

/** None of them is erased until the transaction ends, who is not yet. */
export const holdUnerased = async (trx: Kysely<ChatDatabase>, userIds: readonly string[]): Promise<void> => {
  // In one order, so that nobody waits in a circle.
  await sql`
    select pg_advisory_xact_lock_shared(${lockOf(sql`user_id`)})
    from (select unnest(${[...new Set(userIds)].sort()}::text[]) as user_id) as held`.execute(trx)
}

/** Throws Rejection `user-erased`; otherwise none of them is erased until the transaction ends. */
export const refuseErased = async (
  trx: Transaction<ChatDatabase>,
  userIds: readonly string[],
): Promise<void> => {
  if (userIds.length === 0) return
  await holdUnerased(trx, userIds)
  const { rows } = await sql`select from erased_users where user_id = any(${userIds}::uuid[])`.execute(trx)
  if (rows.length > 0) throw new Rejection('user-erased')
}

/** From now on they are let into no room: waits for those who are letting them in. */
export const markErased = async (db: Kysely<ChatDatabase>, userId: string, at: Date): Promise<void> => {
  await sql`select pg_advisory_xact_lock(${lockOf(userId)})`.execute(db)
  await sql`insert into erased_users values (${userId}, ${at}) on conflict do nothing`.execute(db)
}
