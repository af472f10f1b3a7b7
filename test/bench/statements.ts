import { type Veza } from '@veza/deploy/launcher'
import { type DatabaseName, databases } from '@veza/deploy/stack'
import pg from 'pg'

/** What PostgreSQL did for somebody, as it counts it itself (pg_stat_statements): planning and execution. */
export interface DatabaseWork {
  readonly statements: number
  readonly milliseconds: number
}

/** Roles whose statements are counted apart. */
export interface CountedRoles {
  /** Settings of a process, so that all that it asks of databases is counted as a role's. */
  settingsOf(role: string): Record<string, string>
  /** Forgets what was counted. */
  reset(): Promise<void>
  /** By context. */
  workOf(role: string): Promise<Readonly<Partial<Record<DatabaseName, DatabaseWork>>>>
  close(): Promise<void>
}

const password = 'bench'

/** Has the database of a stack count statements: it is restarted for that. @param roles made here, each with all contexts' rights */
export const countStatements = async (veza: Veza, roles: readonly string[]): Promise<CountedRoles> => {
  const { postgres } = veza.infrastructure
  if (postgres === undefined) throw new Error('the bench needs a PostgreSQL of its own')
  const connect = () => new pg.Client({ connectionString: veza.endpoints.postgres })
  const before = connect()
  await before.connect()
  await before.query("alter system set shared_preload_libraries = 'pg_stat_statements'")
  await before.query("alter system set pg_stat_statements.track_planning = 'on'")
  await before.end()
  await postgres.restart()
  const client = connect()
  await client.connect()
  await client.query('create extension if not exists pg_stat_statements')
  for (const role of roles)
    await client.query(
      `create role ${role} login password '${password}' in role ${Object.values(databases).join(', ')}`,
    )
  const names = Object.keys(databases) as DatabaseName[]
  return {
    settingsOf: (role) =>
      Object.fromEntries(
        names.map((name) => {
          const url = new URL(veza.stack.databaseUrls[name])
          ;[url.username, url.password] = [role, password]
          return [`${name.toUpperCase()}_DATABASE_URL`, url.href]
        }),
      ),
    async reset() {
      await client.query('select pg_stat_statements_reset()')
    },
    async workOf(role) {
      const { rows } = await client.query<DatabaseWork & { database: string }>(
        `select datname as database, sum(calls)::float8 as statements,
           sum(total_plan_time + total_exec_time) as milliseconds
         from pg_stat_statements join pg_database on pg_database.oid = dbid
         where userid = $1::regrole group by datname`,
        [role],
      )
      return Object.fromEntries(
        names.flatMap((name) => {
          const row = rows.find(({ database }) => database === databases[name])
          return row === undefined
            ? []
            : [[name, { statements: row.statements, milliseconds: row.milliseconds }]]
        }),
      )
    },
    close: () => client.end(),
  }
}
