import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSettings } from '../local/settings.ts'
import { databases, type DatabaseName } from '../stack.ts'
import { type Endpoints } from '../local/veza.ts'
import { type Secrets } from '../local/secrets.ts'

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

/**
 * The settings of the environment, and beside them those of the local stack that runs from the data folder, if one does:
 * what is given goes first.
 */
export const operatorEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const { dataDir } = readSettings(env)
  const files = { endpoints: join(dataDir, 'endpoints.json'), secrets: join(dataDir, 'secrets.json') }
  if (!existsSync(files.endpoints) || !existsSync(files.secrets)) return env
  const endpoints = readJson(files.endpoints) as Endpoints
  const secrets = readJson(files.secrets) as Secrets
  const urls = (Object.keys(databases) as DatabaseName[]).map((name) => {
    const url = new URL(endpoints.postgres)
    url.username = databases[name]
    url.password = secrets.databasePasswords[name]
    url.pathname = `/${databases[name]}`
    return [`${name.toUpperCase()}_DATABASE_URL`, url.href] as const
  })
  return {
    ...Object.fromEntries(urls),
    KAFKA_BROKERS: endpoints.kafka,
    SCHEMA_REGISTRY_URL: endpoints.registry,
    KEY_ENCRYPTION_KEY: secrets.keyEncryptionKey,
    ...env,
  }
}
