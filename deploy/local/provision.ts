import { migrateAuth } from '@veza/auth/migrate'
import { migrateChat } from '@veza/chat/migrate'
import { migrateUsers } from '@veza/users/migrate'
import { migrateTracks } from '@veza/tracks/migrate'
import { migrateStreams } from '@veza/streams/migrate'
import { createTopics, registerSchemas } from '@veza/contracts/deploy'
import { type DatabaseName, databases } from '../stack.ts'
import { ensureDatabase } from './database.ts'
import { type Progress, timed } from './progress.ts'
import { type Secrets } from './secrets.ts'

const migrations: Readonly<Record<DatabaseName, (url: string) => Promise<string[]>>> = {
  auth: migrateAuth,
  chat: migrateChat,
  users: migrateUsers,
  tracks: migrateTracks,
  streams: migrateStreams,
}

const names = Object.keys(databases) as DatabaseName[]

/** Brings each context's database up to date. @param urls of the roles that own them */
export const migrateAll = async (urls: Readonly<Record<DatabaseName, string>>): Promise<string[]> =>
  (await Promise.all(names.map((name) => migrations[name](urls[name])))).flat()

/**
 * Creates what Veza's processes expect to find: topics, schemas, a database a context with its tables. Can be repeated.
 * AUTH_DATABASE_URL and its like, one a context, are used as they are where the environment has them, and only migrated.
 * @returns the URL of each context's database
 */
export const provision = async (o: {
  readonly kafkaBrokers: string
  readonly registryUrl: string
  /** Of a role that may create roles and databases. */
  readonly databaseUrl: string
  readonly secrets: Secrets
  readonly env: NodeJS.ProcessEnv
  readonly progress: Progress
}): Promise<Record<DatabaseName, string>> => {
  const databaseOf = async (name: DatabaseName): Promise<string> => {
    const given = o.env[`${name.toUpperCase()}_DATABASE_URL`]
    if (given !== undefined && given !== '') return given
    const role = databases[name]
    return ensureDatabase(o.databaseUrl, { name: role, role, password: o.secrets.databasePasswords[name] })
  }
  const [urls] = await Promise.all([
    timed(
      o.progress,
      () => 'databases are there and migrated',
      async () => {
        const made = {
          auth: await databaseOf('auth'),
          chat: await databaseOf('chat'),
          users: await databaseOf('users'),
          tracks: await databaseOf('tracks'),
          streams: await databaseOf('streams'),
        }
        await migrateAll(made)
        return made
      },
    ),
    timed(
      o.progress,
      () => 'topics are there',
      () => createTopics(o.kafkaBrokers.split(','), { replication: Number(o.env['TOPIC_REPLICATION'] ?? 1) }),
    ),
    timed(
      o.progress,
      () => 'schemas are registered',
      () => registerSchemas(o.registryUrl),
    ),
  ])
  return urls
}
