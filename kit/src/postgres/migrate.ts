import { type Migration, Kysely, Migrator, PostgresDialect } from 'kysely'
import pg from 'pg'

/** Steps by name. They run in the order of their names, once each: `001-rooms`, `002-…`. */
export type Migrations = Readonly<Record<string, Migration>>

// Any number does, so long as all processes use it: "veza" in ASCII.
const lockId = 0x76657a61

/**
 * Brings the database up to date, all steps in one transaction. Safe when several processes do so at once: one works,
 * the others wait and find it done.
 *
 * @returns the names of the steps that this call ran
 * @throws the database's error; nothing is changed then
 */
export const migrate = async (url: string, migrations: Migrations): Promise<string[]> => {
  const pool = new pg.Pool({ connectionString: url, application_name: 'migrate', max: 1 })
  // Kysely's own lock is taken only after it created its tables, which is where two migrators meet.
  const lock = new pg.Client({ connectionString: url, application_name: 'migrate-lock' })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  // A connection that is lost fails the query that runs on it; these events would end the process.
  const ignore = (): void => undefined
  pool.on('error', ignore)
  lock.on('error', ignore)
  try {
    await lock.connect()
    await lock.query('select pg_advisory_lock($1)', [lockId])
    const migrator = new Migrator({
      db,
      provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    })
    const { error, results = [] } = await migrator.migrateToLatest()
    if (error !== undefined)
      throw error instanceof Error ? error : new Error('the migration failed', { cause: error })
    return results.map(({ migrationName }) => migrationName)
  } finally {
    await db.destroy()
    await lock.end()
  }
}
