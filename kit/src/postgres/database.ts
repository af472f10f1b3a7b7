import { type Logger, messageOf } from '../log/index.ts'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type Prepare, prepareOn } from './prepared.ts'

/** How a process uses a database. */
export interface DatabaseOptions {
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  /** Connections at most. */
  readonly poolSize: number
  /**
   * Statements are sent without waiting for the answers to those before them; the server takes them one after the other,
   * and one that fails does not keep the next from being tried. For whoever has several to send at once.
   */
  readonly pipeline?: boolean
  /** Of the server, for every connection: parameters that a user may set. */
  readonly parameters?: Readonly<Record<string, string | number>>
  readonly log: Logger
}

/** A database as a process holds it. */
export interface Database<DB> {
  readonly db: Kysely<DB>
  readonly pool: pg.Pool
  readonly prepare: Prepare
  /** Asks the database for an answer: undefined, or what is wrong. For readiness. */
  readonly check: () => Promise<string | undefined>
  /** Waits for queries under way and closes every connection. */
  readonly close: () => Promise<void>
}

/** Past 2^53 a number would be wrong without a word, so that throws. */
const toSafeInteger = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is too large for a number`)
  return value
}

const parsers = new pg.TypeOverrides()
parsers.setTypeParser(pg.types.builtins.INT8, toSafeInteger)

/**
 * A pool of connections, opened on first use: an unreachable database fails queries, not the start. int8 is parsed to
 * number. The server ends statements and transactions after 30 s, and transactions that idle for 5 s.
 *
 * @param url postgres://user:password@host:port/database
 */
export const openDatabase = <DB>(
  url: string,
  { applicationName, poolSize, pipeline = false, parameters = {}, log }: DatabaseOptions,
): Database<DB> => {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    max: poolSize,
    pipeline,
    types: parsers,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    // Of the client, for a server that does not answer at all.
    query_timeout: 35_000,
    idle_in_transaction_session_timeout: 5_000,
    // An open transaction that has written holds every outbox relay of the server back.
    options: Object.entries({ transaction_timeout: '30s', ...parameters })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  })
  // Without a listener, a connection that is lost while idle would end the process. The pool has dropped it already.
  pool.on('error', (error) => {
    log.warn({ err: error }, 'lost an idle database connection')
  })
  // The pool listens only while a connection is idle. One that is lost under a query fails the query as well.
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      log.warn({ err: error }, 'lost a database connection')
    })
  })
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
  return {
    db,
    pool,
    prepare: prepareOn(pool),
    async check() {
      try {
        await pool.query('select 1')
        return undefined
      } catch (error) {
        return messageOf(error)
      }
    },
    close: () => db.destroy(),
  }
}
