import { EnvironmentError } from '@veza/kit/env'
import { type Api, createApi } from '@veza/kit/http'
import { type Logger } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { type Telemetry } from '@veza/kit/telemetry'
import { createAccessTokens } from './adapters/access-tokens.ts'
import { type AuthDatabase } from './adapters/database.ts'
import { createPasswordHasher, type HashFunction } from './adapters/password-hasher.ts'
import { createRefreshTokens } from './adapters/refresh-tokens.ts'
import { createSealing, SealBroken } from './adapters/sealing.ts'
import { openSigningKeys, type PublicKey } from './adapters/signing-keys.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { refreshSession } from './commands/refresh.ts'
import { registerAccount } from './commands/register.ts'
import { mountRoutes } from './routes.ts'
import { type AuthSettings } from './settings.ts'

/** What the process around auth gives it. */
export interface AuthCommon {
  readonly log: Logger
  readonly telemetry: Telemetry
  /** The present; the system's clock unless given. */
  readonly now?: () => Date
  /** argon2id unless given: tests count with it. */
  readonly hashFunction?: HashFunction
}

/** Auth, running. */
export interface Auth {
  /** Its public HTTP API. */
  readonly app: Api
  /** A published public key, for a token verifier in the same process. */
  publicKey(kid: string): PublicKey | undefined
  /** Readiness: undefined when well, otherwise what is wrong. */
  readonly checks: Readonly<Record<string, () => Promise<string | undefined>>>
  close(): Promise<void>
}

const sealingProblem = {
  'other-key': 'KEY_ENCRYPTION_KEY is not the key that the signing keys in the database were sealed with',
  damaged: 'KEY_ENCRYPTION_KEY does not open the signing keys in the database: they were altered there',
}

/**
 * Opens auth on its migrated database ('@veza/auth/migrate'). Rejects EnvironmentError when KEY_ENCRYPTION_KEY does not
 * open the signing keys.
 */
export const openAuth = async (settings: AuthSettings, common: AuthCommon): Promise<Auth> => {
  const { log, telemetry, now = () => new Date() } = common
  const database = openDatabase<AuthDatabase>(settings.AUTH_DATABASE_URL, {
    applicationName: 'auth',
    poolSize: 10,
    log,
  })
  const { db } = database
  try {
    const keys = await openSigningKeys(db, createSealing(settings.KEY_ENCRYPTION_KEY), now())
    const passwords = await createPasswordHasher(
      { concurrency: settings.PASSWORD_HASH_CONCURRENCY, queue: settings.PASSWORD_HASH_QUEUE },
      common.hashFunction,
    )
    const refreshTokens = createRefreshTokens(settings.KEY_ENCRYPTION_KEY)
    const sign = createAccessTokens(keys, settings.TOKEN_ISSUER)
    const deps = { db, passwords, refreshTokens, sign, now, log }
    const app = createApi({ log, telemetry })
    mountRoutes(app, {
      register: registerAccount(deps),
      login: login(deps),
      refresh: refreshSession(deps),
      logout: logout(deps),
      publicKeys: keys.published,
    })
    return {
      app,
      publicKey: (kid) => keys.published.find((key) => key.kid === kid),
      checks: { 'auth-database': () => database.check() },
      close: () => database.close(),
    }
  } catch (error) {
    await database.close()
    if (error instanceof SealBroken) throw new EnvironmentError([sealingProblem[error.code]])
    throw error
  }
}
