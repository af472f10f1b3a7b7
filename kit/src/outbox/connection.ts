import pg from 'pg'
import { type OutboxRow } from './records.ts'

/** Which part of a database's events a relay has: those whose key falls into it. */
export interface Shard {
  /** From 0. */
  readonly shard: number
  readonly shards: number
}

/** Everything up to it is published, in the order of transaction ids and, within one, of positions. */
export interface Checkpoint {
  readonly transactionId: string
  readonly position: string
}

/** Events that wait to be published. */
export interface Pending {
  /** Counted up to 10,000. */
  readonly events: number
  /** 0 when there is none. */
  readonly oldestAgeMs: number
}

/** The relay's one connection: its advisory lock lives and dies with it. */
export interface OutboxConnection {
  /** Has the database's migration been there? */
  hasEvents(): Promise<boolean>
  /** Becomes the shard's relay unless there is one. */
  tryLock(): Promise<boolean>
  /** Where the last relay came to. Rejects when the database's transaction ids are not those of its events. */
  start(): Promise<Checkpoint>
  /**
   * The next events whose order is settled: of transactions older than all that are still open. So nothing can come
   * in before what was read.
   */
  read(after: Checkpoint, limit: number): Promise<OutboxRow[]>
  save(checkpoint: Checkpoint): Promise<void>
  pending(after: Checkpoint): Promise<Pending>
  /** Keeps the session from being ended as idle. */
  beat(): Promise<void>
  /** Gives the lock back. */
  close(): Promise<void>
}

// "outb" in ASCII: the class of the relays' advisory locks.
const lockClass = 0x6f757462

/** Above it the count of pending events is not worth its cost. */
const countLimit = 10_000

const columns = `transaction_id::text, position::text, event_id, stream, version::text, type, payload, topic, key, traceparent,
  recorded_at, (extract(epoch from clock_timestamp() - recorded_at) * 1000)::float8 as age_ms`

// Not PostgreSQL's own hash of text, which another major version may compute otherwise.
const ofShard = ({ shard, shards }: Shard): string =>
  shards === 1 ? '' : `and ('x' || left(md5(key), 7))::bit(28)::int % ${shards} = ${shard}`

/** Rejects when the database is away. @param sessionTimeoutMs after which silence ends it */
export const openOutbox = async (
  url: string,
  shard: Shard,
  { applicationName, sessionTimeoutMs }: { applicationName: string; sessionTimeoutMs: number },
): Promise<OutboxConnection> => {
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
    query_timeout: 12_000,
  })
  // A lost connection fails the next query; without a listener it would end the process.
  client.on('error', () => undefined)
  await client.connect()
  // A holder that was stopped, or whose machine is gone, must not keep the lock: its silence ends the session.
  // A checkpoint that is lost in a crash means that some events are published again, which is cheaper than its fsync.
  await client.query(
    `set idle_session_timeout = ${sessionTimeoutMs}; set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 5;
    set tcp_keepalives_count = 2; set synchronous_commit = off; set enable_seqscan = off; set enable_bitmapscan = off`,
  )
  const { shards, shard: nth } = shard
  const condition = ofShard(shard)
  const settled = 'transaction_id < pg_snapshot_xmin(pg_current_snapshot())'

  return {
    async hasEvents() {
      const { rows } = await client.query(
        "select to_regclass('events.relays') as relays where to_regclass('events.relays') is not null",
      )
      return rows.length > 0
    },

    async tryLock() {
      const { rows } = await client.query<{ locked: boolean }>(
        'select pg_try_advisory_lock($1, $2) as locked',
        [lockClass, shards * 1000 + nth],
      )
      return rows[0]?.locked === true
    },

    async start() {
      const { rows: foreign } = await client.query(`
        select from events.events where transaction_id >= pg_snapshot_xmax(pg_current_snapshot())
        union all select from events.relays where transaction_id >= pg_snapshot_xmax(pg_current_snapshot()) limit 1`)
      if (foreign.length > 0)
        throw new Error(
          'the events have transaction ids that this server has yet to give: the database was restored into another ' +
            'cluster. Run `npm run ops -- rebase-outbox <context>` once',
        )
      // A new division starts where the slowest shard of the old one is: some events come again, none is lost.
      await client.query(
        `insert into events.relays (shards, shard, transaction_id, position)
        select $1, $2, coalesce(old.transaction_id, '0'), coalesce(old.position, 0)
        from (select) as one
        left join (select transaction_id, position from events.relays order by 1, 2 limit 1) as old on true
        on conflict do nothing`,
        [shards, nth],
      )
      await client.query(
        `delete from events.relays where shards <> $1 and (select count(*) from events.relays where shards = $1) = $1`,
        [shards],
      )
      const { rows } = await client.query<{ transaction_id: string; position: string }>(
        'select transaction_id::text, position::text from events.relays where shards = $1 and shard = $2',
        [shards, nth],
      )
      const [row] = rows
      if (!row) throw new Error('the relay has no checkpoint')
      return { transactionId: row.transaction_id, position: row.position }
    },

    async read({ transactionId, position }, limit) {
      const { rows } = await client.query<OutboxRow>({
        name: 'read',
        // Qualified, since a bare name is that of the column read, and texts have another order than numbers.
        text: `select ${columns} from events.events as event
          where (transaction_id, position) > ($1::xid8, $2::bigint) and ${settled} ${condition}
          order by event.transaction_id, event.position limit $3`,
        values: [transactionId, position, limit],
      })
      return rows
    },

    async save({ transactionId, position }) {
      const { rowCount } = await client.query({
        name: 'save',
        text: `update events.relays set transaction_id = $3::xid8, position = $4::bigint where shards = $1 and shard = $2`,
        values: [shards, nth, transactionId, position],
      })
      if (rowCount !== 1) throw new Error('the keys were divided anew: this shard has no checkpoint any more')
    },

    async pending({ transactionId, position }) {
      const { rows } = await client.query<{ events: string; oldest_age_ms: number | null }>({
        name: 'pending',
        text: `select count(*) as events, (extract(epoch from clock_timestamp() - min(recorded_at)) * 1000)::float8 as oldest_age_ms
          from (select recorded_at from events.events
            where (transaction_id, position) > ($1::xid8, $2::bigint) ${condition}
            order by transaction_id, position limit ${countLimit}) as waiting`,
        values: [transactionId, position],
      })
      return { events: Number(rows[0]?.events ?? 0), oldestAgeMs: rows[0]?.oldest_age_ms ?? 0 }
    },

    async beat() {
      await client.query('select 1')
    },

    close: () => client.end(),
  }
}
