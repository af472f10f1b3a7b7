import { randomBytes } from 'node:crypto'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { type FreshDatabase, freshDatabase, testTelemetry } from '@veza/kit/testing'
import { type Auth, type AuthCommon, type AuthSettings, openAuth } from '@veza/auth'
import { migrateAuth } from '@veza/auth/migrate'

/** What register, login and refresh answer. */
export interface SignedInBody {
  user: { id: string; email: string; displayName: string }
  accessToken: string
  refreshToken: string
  expiresIn: number
}

/** An answer, read. */
export interface Answer<T> {
  status: number
  headers: Headers
  body: T
}

/** A problem document. */
export interface ProblemBody {
  code: string
  errors?: { path: string; message: string }[]
}

/** Auth on a database of its own and under a clock that the test turns. */
export interface AuthFixture {
  readonly auth: Auth
  readonly database: FreshDatabase
  readonly settings: AuthSettings
  /** Lets time go by, milliseconds. */
  pass(ms: number): void
  readonly now: () => Date
  post<T = SignedInBody>(path: string, body: unknown): Promise<Answer<T>>
  /** Asks the database itself. */
  query<R extends object>(text: string, values?: unknown[]): Promise<R[]>
  /** Registers a person that nobody else is. */
  person(): Promise<SignedInBody & { password: string }>
  close(): Promise<void>
}

export const password = 'correct horse battery'

/** Further settings and parts may be given. */
export const openAuthFixture = async (
  settings: Partial<AuthSettings> = {},
  common: Partial<AuthCommon> = {},
): Promise<AuthFixture> => {
  const database = await freshDatabase()
  await migrateAuth(database.url)
  const allSettings: AuthSettings = {
    AUTH_DATABASE_URL: database.url,
    KEY_ENCRYPTION_KEY: randomBytes(32),
    TOKEN_ISSUER: 'veza',
    PASSWORD_HASH_CONCURRENCY: 2,
    PASSWORD_HASH_QUEUE: 100,
    ...settings,
  }
  const telemetry = testTelemetry()
  let time = Date.now()
  const now = () => new Date(time)
  const log = createLog('auth', 'silent')
  const auth = await openAuth(allSettings, { log, telemetry, now, ...common })
  const inspection = openDatabase(database.url, { applicationName: 'test', poolSize: 1, log })

  const post = async <T>(path: string, body: unknown): Promise<Answer<T>> => {
    const response = await auth.app.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
    }
  }

  return {
    auth,
    database,
    settings: allSettings,
    now,
    pass(ms) {
      time += ms
    },
    post,
    async query<R extends object>(text: string, values: unknown[] = []) {
      const { pool } = inspection
      return (await pool.query<R>(text, values)).rows
    },
    async person() {
      const email = `${randomBytes(6).toString('hex')}@example.org`
      const { body } = await post<SignedInBody>('/v1/auth/register', { email, password, displayName: 'Ana' })
      return { ...body, password }
    },
    async close() {
      await auth.close()
      await inspection.close()
      await telemetry.close()
      await database.drop()
    },
  }
}
