import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Codec, connectCodec } from '@veza/contracts'
import { readEnv } from '@veza/kit/env'
import { connectKafka, type Kafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { type FreshDatabase, freshDatabase, infrastructure, testTelemetry } from '@veza/kit/testing'
import { type Auth, type AuthCommon, authEnvironment, type AuthSettings, openAuth } from '@veza/auth'
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

/** Who sends a request. */
export interface Sender {
  readonly accessToken?: string | undefined
  /** Network address. */
  readonly address?: string
  readonly client?: string
}

/** Auth on a database of its own and under a clock that the test turns. */
export interface AuthFixture {
  readonly auth: Auth
  readonly database: FreshDatabase
  readonly settings: AuthSettings
  readonly codec: Codec
  readonly kafka: Kafka
  /** Lets time go by, milliseconds. */
  pass(ms: number): void
  readonly now: () => Date
  post<T = SignedInBody>(path: string, body: unknown, by?: Sender): Promise<Answer<T>>
  get<T = unknown>(path: string, accessToken?: string): Promise<Answer<T>>
  send<T = unknown>(method: string, path: string, body?: unknown, by?: Sender): Promise<Answer<T>>
  /** The letters that were sent to an address so far, oldest first. */
  letters(to: string): Promise<string[]>
  /** Asks the database itself. */
  query<R extends object>(text: string, values?: unknown[]): Promise<R[]>
  /** Auth in another process, on the same database. Closed with the fixture, if not before. */
  open(settings?: Partial<AuthSettings>): Promise<Auth>
  /** Registers a person that nobody else is. */
  person(): Promise<SignedInBody & { password: string }>
  close(): Promise<void>
}

export const password = 'correct horse battery'

/** The codec, with every schema registered. */
export const testCodec = async (): Promise<Codec> => {
  const { schemaRegistryUrl } = infrastructure()
  return connectCodec(schemaRegistryUrl)
}

/** Further settings and parts may be given. */
export const openAuthFixture = async (
  settings: Partial<AuthSettings> = {},
  common: Partial<AuthCommon> = {},
): Promise<AuthFixture> => {
  const database = await freshDatabase()
  await migrateAuth(database.url)
  const mailFolder = await mkdtemp(join(tmpdir(), 'veza-mail-'))
  const codec = await testCodec()
  const allSettings: AuthSettings = {
    ...readEnv(authEnvironment, {
      AUTH_DATABASE_URL: database.url,
      SERVICE_TOKEN: 'a-service-token-for-tests',
      KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PASSWORD_HASH_QUEUE: '100',
      MAIL_FOLDER: mailFolder,
      // What is limited has tests of its own.
      ATTEMPTS_PER_ACCOUNT: '1000',
      ATTEMPTS_PER_ADDRESS: '1000',
    }),
    ...settings,
  }
  const telemetry = testTelemetry()
  let time = Date.now()
  const now = () => new Date(time)
  const log = createLog('auth', 'silent')
  const kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: 'auth', log })
  const opened = new Set<Auth>()
  const open = async (more: Partial<AuthSettings> = {}): Promise<Auth> => {
    const auth = await openAuth({ ...allSettings, ...more }, { log, telemetry, codec, kafka, now, ...common })
    opened.add(auth)
    const close = async () => {
      if (opened.delete(auth)) await auth.close()
    }
    return { ...auth, close }
  }
  const auth = await open()
  const inspection = openDatabase(database.url, { applicationName: 'test', poolSize: 1, log })

  const send = async <T>(
    method: string,
    path: string,
    body?: unknown,
    by: Sender = {},
  ): Promise<Answer<T>> => {
    const { accessToken, address, client } = by
    const response = await auth.app.request(
      path,
      {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
          ...(client !== undefined && { 'user-agent': client }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      },
      // What node-server tells of the connection.
      address === undefined ? {} : { incoming: { socket: { remoteAddress: address } } },
    )
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
    }
  }
  const post = <T>(path: string, body: unknown, by?: Sender) => send<T>('POST', path, body, by)

  return {
    ...{ auth, open },
    database,
    settings: allSettings,
    codec,
    kafka,
    now,
    pass(ms) {
      time += ms
    },
    post,
    send,
    get: <T>(path: string, accessToken?: string) => send<T>('GET', path, undefined, { accessToken }),
    async letters(to) {
      const names = (await readdir(mailFolder)).filter((name) => name.endsWith('.eml')).sort()
      const texts = await Promise.all(names.map((name) => readFile(join(mailFolder, name), 'utf8')))
      return texts.filter((text) => text.includes(`To: ${to}`))
    },
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
      await Promise.all([...opened].map((one) => one.close()))
      await kafka.close()
      await inspection.close()
      await telemetry.close()
      await database.drop()
      await rm(mailFolder, { recursive: true })
    },
  }
}
