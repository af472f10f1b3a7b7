import { randomBytes, randomUUID } from 'node:crypto'
import { connectCodec, type topics } from '@veza/contracts'
import { registerSchemas } from '@veza/contracts/deploy'
import { createLog } from '@veza/kit/log'
import { freshDatabase, infrastructure } from '@veza/kit/testing'
import { type Message } from '@veza/kit/worker'
import { migrateUsers } from '@veza/users/migrate'
import { createProfile, openUsersStore, type UsersStore } from '@veza/users/store'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { welcome } from './welcome.ts'

type Topic = typeof topics.authEvents

const closers: (() => Promise<unknown>)[] = []
let store: UsersStore

beforeAll(async () => {
  const fresh = await freshDatabase()
  await migrateUsers(fresh.url)
  await registerSchemas(infrastructure().schemaRegistryUrl)
  store = openUsersStore(
    {
      KEY_ENCRYPTION_KEY: randomBytes(32),
      KEY_ENCRYPTION_KEY_PREVIOUS: undefined,
      VAULT_ADDR: undefined,
      VAULT_TOKEN: undefined,
      VAULT_TRANSIT_MOUNT: 'transit',
      VAULT_TRANSIT_KEY: 'veza',
      USERS_DATABASE_URL: fresh.url,
    },
    {
      name: 'test',
      poolSize: 2,
      codec: await connectCodec(infrastructure().schemaRegistryUrl),
      log: createLog('test', 'silent'),
    },
  )
  closers.push(
    () => store.close(),
    () => fresh.drop(),
  )
})
afterAll(async () => {
  for (const close of closers) await close()
})

const control = { signal: new AbortController().signal } as Parameters<ReturnType<typeof welcome>>[1]
const handle = (type: string, value: object) =>
  welcome({ createProfile: createProfile({ ...store, now: () => new Date() }) })(
    { type, value, id: randomUUID(), traceparent: undefined } as unknown as Message<Topic>,
    control,
  )
const streamOf = (userId: string) => store.streams.store.readStream(store.db, `user-${userId}`)

it('gives whoever signs up a profile, once, and says what it follows from', async () => {
  const userId = randomUUID()
  expect(await handle('UserRegistered', { userId, displayName: 'Ana' })).toEqual({ kind: 'done' })
  expect(await handle('UserRegistered', { userId, displayName: 'Ana' })).toMatchObject({ kind: 'skip' })
  const events = await streamOf(userId)
  expect(events.map(({ type, metadata }) => [type, metadata.actor, typeof metadata.causation])).toEqual([
    ['ProfileCreated', 'users-profiles', 'string'],
  ])
  const { state } = await store.streams.user(userId).load(store.db, `user-${userId}`)
  expect(state.profile.displayName).toBe('Ana')
})

it('takes a name that is none for what it can be', async () => {
  const userId = randomUUID()
  await handle('UserRegistered', { userId, displayName: '\u0007' })
  const { state } = await store.streams.user(userId).load(store.db, `user-${userId}`)
  expect(state.profile.displayName).toBe('?')
})

it('has nothing to do with what else happens to accounts', async () => {
  expect(await handle('SessionStarted', { userId: randomUUID() })).toEqual({
    kind: 'skip',
    reason: 'no registration',
  })
})
