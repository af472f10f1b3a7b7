import { type AnalyticsDatabase } from '@veza/streams/store'
import { type Kysely, sql } from 'kysely'

type Db = Kysely<AnalyticsDatabase>

const ofSchema = (schema: string) => sql`hashtext(${`hearings of ${schema}`})`

/** Until the transaction ends, or goes back to a savepoint before this: nobody is alone. */
export const besideOthers = async (trx: Db, schema: string): Promise<void> => {
  await sql`select pg_advisory_xact_lock_shared(${ofSchema(schema)})`.execute(trx)
}

/** Waits until nobody else takes hearings in, and has them wait until the transaction ends. */
export const alone = async (trx: Db, schema: string): Promise<void> => {
  await sql`select pg_advisory_xact_lock(${ofSchema(schema)})`.execute(trx)
}
