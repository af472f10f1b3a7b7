import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is made up once and kept: the data of the first start can't be opened without it. */
export interface Secrets {
  readonly serviceToken: string
  /** Base64 of 32 bytes. */
  readonly keyEncryptionKey: string
  readonly postgresPassword: string
  /** Of the role that owns each database. */
  readonly databasePasswords: Readonly<
    Record<'auth' | 'chat' | 'users' | 'tracks' | 'streams' | 'registry', string>
  >
}

const password = () => randomBytes(24).toString('base64url')

const newPasswords = (): Secrets['databasePasswords'] => ({
  auth: password(),
  chat: password(),
  users: password(),
  tracks: password(),
  streams: password(),
  registry: password(),
})

const keep = (file: string, secrets: Secrets): void => {
  const draft = `${file}.part`
  writeFileSync(draft, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600 })
  renameSync(draft, file)
}

/**
 * The secrets of a data folder, made up at the first call; file mode 0600. SERVICE_TOKEN and KEY_ENCRYPTION_KEY of the
 * environment go before those of the file.
 */
export const loadSecrets = (dataDir: string, env: NodeJS.ProcessEnv): Secrets => {
  const file = join(dataDir, 'secrets.json')
  if (!existsSync(file)) {
    if (existsSync(join(dataDir, 'postgres/data')))
      throw new Error(
        `${file} is gone, without which the databases beside it can't be opened: put it back, or npm run reset`,
      )
    mkdirSync(dataDir, { recursive: true })
    const made: Secrets = {
      serviceToken: password(),
      keyEncryptionKey: randomBytes(32).toString('base64'),
      postgresPassword: password(),
      databasePasswords: newPasswords(),
    }
    keep(file, made)
  }
  const read = JSON.parse(readFileSync(file, 'utf8')) as Secrets
  const kept = { ...read, databasePasswords: { ...newPasswords(), ...read.databasePasswords } }
  // A folder from before a context had a database.
  if (Object.keys(kept.databasePasswords).some((name) => !(name in read.databasePasswords))) keep(file, kept)
  return {
    ...kept,
    serviceToken: env['SERVICE_TOKEN'] ?? kept.serviceToken,
    keyEncryptionKey: env['KEY_ENCRYPTION_KEY'] ?? kept.keyEncryptionKey,
  }
}
