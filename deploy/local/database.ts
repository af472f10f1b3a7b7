import pg from 'pg'

/** Runs statements on one connection that is closed afterwards. */
const withClient = async <T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/**
 * A database that belongs to a role of its own, both made where they are missing; nobody else may connect to it.
 * @param adminUrl of a role that may create roles and databases.
 * @returns the URL that the role connects by.
 */
export const ensureDatabase = (
  adminUrl: string,
  o: { readonly name: string; readonly role: string; readonly password: string },
): Promise<string> =>
  withClient(adminUrl, async (client) => {
    const role = client.escapeIdentifier(o.role)
    const name = client.escapeIdentifier(o.name)
    const has = async (question: string, value: string) =>
      (await client.query(question, [value])).rowCount !== 0
    const verb = (await has('select from pg_roles where rolname = $1', o.role)) ? 'alter' : 'create'
    await client.query(`${verb} role ${role} login password ${client.escapeLiteral(o.password)}`)
    if (!(await has('select from pg_database where datname = $1', o.name))) {
      // A superuser may hand a database to anybody; another admin has to be a member of the role.
      await client.query(`grant ${role} to current_user`)
      await client.query(`create database ${name} owner ${role}`)
    }
    await client.query(`revoke connect, temporary on database ${name} from public`)
    const url = new URL(adminUrl)
    url.username = o.role
    url.password = o.password
    url.pathname = `/${o.name}`
    return url.href
  })
