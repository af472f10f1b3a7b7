import { type Kysely } from 'kysely'
import { type TracksDatabase } from './schema.ts'

/**
 * People who are forgotten: nothing of theirs comes in any more. Whoever adds something looks here after it is in, and
 * whoever erases marks before looking for what is in, so that one of the two sees the other.
 */
export const markErased = async (db: Kysely<TracksDatabase>, userId: string, at: Date): Promise<void> => {
  await db
    .insertInto('erased_owners')
    .values({ user_id: userId, erased_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export const isErased = async (db: Kysely<TracksDatabase>, userId: string): Promise<boolean> =>
  (await db
    .selectFrom('erased_owners')
    .select('user_id')
    .where('user_id', '=', userId)
    .executeTakeFirst()) !== undefined
