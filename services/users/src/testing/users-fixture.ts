import { randomBytes, randomUUID } from 'node:crypto'
import { connectCodec } from '@veza/contracts'
import { type Caches } from '@veza/kit/cache'
import { type EventStore, eventStore } from '@veza/kit/events'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { createSealing, envKeyEncryption, type Sealing } from '@veza/kit/sealing'
import {
  createTokenSigner,
  freshDatabase,
  infrastructure,
  testKeyEncryption,
  testTelemetry,
  type TokenSigner,
} from '@veza/kit/testing'
import { createTokenVerifier } from '@veza/kit/tokens'
import { type Kysely } from 'kysely'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { pairStream, userStream } from '../adapters/streams.ts'
import { pairOf } from '../domain/pair.ts'
import { openUsers, type Users, type UsersSettings } from '../index.ts'
import { migrateUsers } from '../migrate.ts'
import { seenOfPair } from '../queries/views.ts'
import {
  createPersonalData,
  type PersonalData,
  projectViews,
  type UsersDatabase,
  usersTopic,
  type ViewsDatabase,
} from '../store.ts'

export interface Answer<B> {
  readonly status: number
  readonly headers: Headers
  readonly body: B
}
export interface ProblemBody {
  readonly code: string
  readonly currentVersion?: number
  readonly errors?: { path: string }[]
}

export const serviceToken = 'a-service-token-for-tests'

/** Somebody who is signed in. */
export interface Person {
  readonly userId: string
  readonly token: string
  call<B = ProblemBody>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<B>>
}

export interface UsersFixture {
  readonly users: Users
  readonly url: string
  readonly key: Buffer
  readonly signer: TokenSigner
  readonly database: Database<UsersDatabase & ViewsDatabase>
  readonly db: Kysely<UsersDatabase>
  readonly views: Kysely<ViewsDatabase>
  readonly store: EventStore<typeof usersTopic>
  readonly sealing: Sealing
  readonly personal: PersonalData
  /** Stands still while true: the views fall behind. */
  pauseViews: boolean
  /** Resolves when others see what the person was last changed to. */
  seen(userId: string): Promise<void>
  /** Resolves when the views have all that was between two people. */
  seenBetween(one: string, other: string): Promise<void>
  /** Users in another process, on the same database. */
  open(settings?: Partial<UsersSettings>, now?: () => Date): Promise<Users>
  person(name?: string, users?: Users, claims?: { signedInAt?: number | undefined }): Promise<Person>
  close(): Promise<void>
}

export const readAnswer = async <B>(response: Response): Promise<Answer<B>> => {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : text) as B,
  }
}

/** Users on a database of its own, and the views kept up to date from the store, as the worker does it from the topic. */
export const startUsers = async (
  settings: Partial<UsersSettings> = {},
  /** Of the first process; others that are opened have none. */
  { caches }: { readonly caches?: Pick<Caches, 'open'> } = {},
): Promise<UsersFixture> => {
  const log = createLog('test', 'silent')
  const telemetry = testTelemetry()
  const { schemaRegistryUrl } = infrastructure()
  const fresh = await freshDatabase()
  await migrateUsers(fresh.url)
  const key = randomBytes(32)
  const signer = await createTokenSigner()
  const codec = await connectCodec(schemaRegistryUrl)
  const verifier = createTokenVerifier(signer)
  const opened: Users[] = []
  const openWith = (
    kept: { caches?: Pick<Caches, 'open'> },
    more: Partial<UsersSettings> = {},
    now?: () => Date,
  ) => {
    const users = openUsers(
      {
        ...testKeyEncryption(key),
        USERS_DATABASE_URL: fresh.url,
        SERVICE_TOKEN: serviceToken,
        USERS_DATABASE_CONNECTIONS: 5,
        USERS_ERASURE_GRACE: 0,
        USERS_ERASURE_SIGN_IN_WITHIN: 600_000,
        USERS_EXPORT_PAUSE: 3_600_000,
        IDEMPOTENCY_RETENTION: 86_400_000,
        ...settings,
        ...more,
      },
      { log, telemetry, verifier, codec, ...kept, ...(now === undefined ? {} : { now }) },
    )
    opened.push(users)
    return Promise.resolve(users)
  }
  const open: UsersFixture['open'] = (more, now) => openWith({}, more, now)
  const users = await openWith(caches === undefined ? {} : { caches })
  const database = openDatabase<UsersDatabase & ViewsDatabase>(fresh.url, {
    applicationName: 'test',
    poolSize: 4,
    log,
  })
  const db = database.db as unknown as Kysely<UsersDatabase>
  const views = database.db as unknown as Kysely<ViewsDatabase>
  const store = eventStore({ topic: usersTopic, codec })
  const sealing = createSealing({ db, keyEncryption: envKeyEncryption([key]) })
  const personal = createPersonalData(sealing)

  const fixture = { pauseViews: false }
  let stopped = false
  const isStopped = () => stopped
  const project = projectViews(personal)
  const pump = async (): Promise<void> => {
    let last = 0
    while (!isStopped()) {
      // Positions are not commit-ordered: what came in below the last one is read with it again. Once seen it is nothing.
      const after = Math.max(0, last - 100)
      const records = fixture.pauseViews ? [] : await store.readAll(db, { after, limit: 300 })
      const seen = records.map((record) => ({ record, version: record.version }))
      await views.transaction().execute((trx) => project(trx.withSchema('views'), seen))
      last = records.at(-1)?.position ?? last
      await delay(5)
    }
  }
  const pumping = pump()

  return Object.assign(fixture, {
    users,
    url: fresh.url,
    key,
    signer,
    database,
    db,
    views: views.withSchema('views'),
    store,
    sealing,
    personal,
    open,
    async seen(userId: string) {
      const version = await store.currentVersion(db, userStream(userId))
      const row = views
        .withSchema('views')
        .selectFrom('profiles')
        .select('version')
        .where('user_id', '=', userId)
      await vi.waitFor(
        async () => {
          expect((await row.executeTakeFirst())?.version ?? 0).toBeGreaterThanOrEqual(version)
        },
        { timeout: 20_000, interval: 5 },
      )
    },
    async seenBetween(one: string, other: string) {
      const version = await store.currentVersion(db, pairStream(one, other))
      await vi.waitFor(
        async () => {
          const seen = await seenOfPair(views.withSchema('views'), pairOf(one, other))
          expect(seen ?? version).toBeGreaterThanOrEqual(version)
        },
        { timeout: 20_000, interval: 5 },
      )
    },
    async person(
      name = 'Ana',
      through: Users = users,
      claims: { signedInAt?: number | undefined } = { signedInAt: Math.floor(Date.now() / 1000) },
    ) {
      const userId = randomUUID()
      const expiresAt = Math.floor(Date.now() / 1000) + 600
      const token = await signer.sign({
        ...{ userId, name, roles: [], sessionId: randomUUID(), expiresAt },
        ...claims,
      })
      const call = async <B = ProblemBody>(
        method: string,
        path: string,
        body?: unknown,
        headers: Record<string, string> = {},
      ): Promise<Answer<B>> =>
        readAnswer<B>(
          await through.app.request(path, {
            method,
            headers: {
              authorization: `Bearer ${token}`,
              ...(body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }),
              ...headers,
            },
            ...(body === undefined
              ? {}
              : { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
          }),
        )
      return { userId, token, call }
    },
    async close() {
      stopped = true
      await pumping
      for (const one of opened) await one.close()
      await database.close()
      await fresh.drop()
      await telemetry.close()
    },
  })
}
