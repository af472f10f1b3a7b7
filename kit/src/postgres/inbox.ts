import { type Kysely, type QueryExecutorProvider, type Transaction, sql } from 'kysely'

/** The table that remembers which messages a consumer group has taken effect of. */
export interface InboxTable {
  consumer_group: string
  id: string
  seen_at: Date
}

/** Creates the table `inbox`, as a step of a migration. */
export const createInbox = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table inbox (
      consumer_group text not null,
      id text not null,
      seen_at timestamptz not null default now(),
      primary key (consumer_group, id)
    )`.execute(db)
}

/**
 * Claims messages for a consumer group, in the transaction that has their effect, so that the two are stored together or
 * not at all.
 *
 * @returns those ids that nobody claimed before: the ones to take effect now
 */
export const claimOnce = async <DB>(
  trx: Transaction<DB>,
  group: string,
  ids: readonly string[],
): Promise<Set<string>> => {
  if (ids.length === 0) return new Set()
  // In one order for everybody: two transactions that claim the same ids wait for each other, and never in a circle.
  const ordered = [...new Set(ids)].sort()
  const { rows } = await sql<{ id: string }>`
    insert into inbox (consumer_group, id)
    select ${group}, id from unnest(${ordered}::text[]) as claimed (id)
    on conflict do nothing
    returning id`.execute(trx)
  return new Set(rows.map(({ id }) => id))
}

/**
 * Forgets claims that are older than any repetition can be: than the topics' retention, or what a reset of offsets may go
 * back to. In pieces, so that no transaction is long.
 *
 * @returns how many
 */
export const pruneInbox = async (db: QueryExecutorProvider, olderThanMs: number): Promise<number> => {
  for (let pruned = 0; ;) {
    const { numAffectedRows = 0n } = await sql`
      delete from inbox where ctid = any(array(
        select ctid from inbox where seen_at < now() - ${olderThanMs} * interval '1 ms' limit 10000))`.execute(
      db,
    )
    pruned += Number(numAffectedRows)
    if (numAffectedRows < 10_000n) return pruned
  }
}
