import pg from 'pg'

/**
 * Gives the events of a database that was restored into another cluster transaction ids of that cluster: those that were
 * published the lowest, the others this transaction's. With no writer and no relay at work. Shards are put together: what
 * the slowest had yet to publish, all publish (again).
 *
 * @returns how many events are still to be published
 */
export const rebaseOutbox = async (databaseUrl: string): Promise<number> => {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'rebase-outbox' })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('begin')
    await client.query('lock table events.events, events.relays in access exclusive mode')
    await client.query('alter table events.events disable trigger events_never_change')
    await client.query(`
      update events.events as event set transaction_id = case
        when (event.transaction_id, event.position) > (coalesce(done.transaction_id, '0'), coalesce(done.position, 0))
        then pg_current_xact_id() else '0' end
      from (select) as one
      left join (select transaction_id, position from events.relays order by 1, 2 limit 1) as done on true`)
    await client.query('alter table events.events enable trigger events_never_change')
    await client.query('delete from events.relays')
    await client.query("insert into events.relays values (1, 0, '0', 9223372036854775807)")
    const { rows } = await client.query<{ count: string }>(
      "select count(*) from events.events where transaction_id > '0'",
    )
    await client.query('commit')
    return Number(rows[0]?.count ?? 0)
  } finally {
    await client.end()
  }
}
