import { readEnv, runMain, url } from '@veza/kit/env'
import { ensureDatabase } from './local/database.ts'
import { migrateAll } from './local/provision.ts'

const postgres = (doc: string) => url(doc, undefined, { schemes: ['postgres', 'postgresql'] })

/** Makes every database of the stack with the role that owns it, and brings Veza's up to date. Can be repeated. */
await runMain('databases', async () => {
  const env = readEnv({
    DATABASE_URL: postgres('a role that may create roles and databases'),
    REGISTRY_DATABASE_URL: postgres("the registry's database"),
    AUTH_DATABASE_URL: postgres("auth's database"),
    CHAT_DATABASE_URL: postgres("chat's database"),
    USERS_DATABASE_URL: postgres("users' database"),
    TRACKS_DATABASE_URL: postgres("tracks' database"),
    STREAMS_DATABASE_URL: postgres("streams' database"),
  })
  for (const wanted of [
    env.REGISTRY_DATABASE_URL,
    env.AUTH_DATABASE_URL,
    env.CHAT_DATABASE_URL,
    env.USERS_DATABASE_URL,
    env.TRACKS_DATABASE_URL,
    env.STREAMS_DATABASE_URL,
  ]) {
    const { pathname, username, password } = new URL(wanted)
    await ensureDatabase(env.DATABASE_URL, {
      name: decodeURIComponent(pathname.slice(1)),
      role: decodeURIComponent(username),
      password: decodeURIComponent(password),
    })
  }
  await migrateAll({
    auth: env.AUTH_DATABASE_URL,
    chat: env.CHAT_DATABASE_URL,
    users: env.USERS_DATABASE_URL,
    tracks: env.TRACKS_DATABASE_URL,
    streams: env.STREAMS_DATABASE_URL,
  })
})
