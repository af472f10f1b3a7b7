import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { connectCodec, type topics } from '@veza/contracts'
import { createLog } from '@veza/kit/log'
import { freshDatabase, infrastructure } from '@veza/kit/testing'
import { type Message } from '@veza/kit/worker'
import { migrateUsers } from '@veza/users/migrate'
import { createProfile, openUsersStore, type UsersStore } from '@veza/users/store'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type AskName, nameInAuth } from './auth-api.ts'
import { welcome } from './welcome.ts'

type Topic = typeof topics.authEvents

const closers: (() => Promise<unknown>)[] = []
let store: UsersStore

beforeAll(async () => {
  const fresh = await freshDatabase()
  await migrateUsers(fresh.url)
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
const handle = (type: string, value: object, askName: AskName = () => Promise.resolve('Ana')) =>
  welcome({ createProfile: createProfile({ ...store, now: () => new Date() }), askName })(
    { type, value, id: randomUUID(), traceparent: undefined } as unknown as Message<Topic>,
    control,
  )
const streamOf = (userId: string) => store.streams.store.readStream(store.db, `user-${userId}`)

const registered = (userId: string) => ({ userId, displayName: '', sealedName: Buffer.from('sealed') })
const profileOf = async (userId: string) =>
  (await store.streams.user(userId).load(store.db, `user-${userId}`)).state.profile

it('gives whoever signs up a profile, once, and says what it follows from', async () => {
  const userId = randomUUID()
  expect(await handle('UserRegistered', registered(userId))).toEqual({ kind: 'done' })
  expect(await handle('UserRegistered', registered(userId))).toMatchObject({ kind: 'skip' })
  const events = await streamOf(userId)
  expect(events.map(({ type, metadata }) => [type, metadata.actor, typeof metadata.causation])).toEqual([
    ['ProfileCreated', 'users-profiles', 'string'],
  ])
  expect(await profileOf(userId)).toMatchObject({ displayName: 'Ana' })
})

it('asks nobody for a name that the event has, of before names were sealed', async () => {
  const userId = randomUUID()
  const nobody = () => Promise.reject(new Error('was asked'))
  const former = { userId, displayName: 'Former', sealedName: null }
  expect(await handle('UserRegistered', former, nobody)).toEqual({ kind: 'done' })
  expect(await profileOf(userId)).toMatchObject({ displayName: 'Former' })
})

it('goes before auth: what a release that reads no sealed name makes of one is never mended (ADR 35)', async () => {
  const userId = randomUUID()
  // Its reader knows displayName alone, which version 2 leaves empty (contracts/src/golden.unit.test.ts).
  const { displayName } = registered(userId)
  await createProfile({ ...store, now: () => new Date() })({ userId, displayName })
  expect(await profileOf(userId)).toMatchObject({ displayName: '?' })
  expect(await handle('UserRegistered', registered(userId))).toMatchObject({ kind: 'skip' })
  expect(await profileOf(userId)).toMatchObject({ displayName: '?' })
})

it('makes no profile for whom auth has forgotten, and none while auth cannot say', async () => {
  const userId = randomUUID()
  const forgotten = await handle('UserRegistered', registered(userId), () => Promise.resolve(undefined))
  expect(forgotten).toEqual({ kind: 'skip', reason: 'they are erased' })
  const away = handle('UserRegistered', registered(userId), () => Promise.reject(new Error('auth is away')))
  await expect(away).rejects.toThrow('auth is away')
  expect(await streamOf(userId)).toEqual([])
})

it('takes a name that is none for what it can be', async () => {
  const userId = randomUUID()
  await handle('UserRegistered', registered(userId), () => Promise.resolve('\u0007'))
  expect(await profileOf(userId)).toMatchObject({ displayName: '?' })
})

it('has nothing to do with what else happens to accounts', async () => {
  expect(await handle('SessionStarted', { userId: randomUUID() })).toEqual({
    kind: 'skip',
    reason: 'no registration',
  })
})

it('learns the name of auth, that somebody has none, and that auth does not say', async () => {
  const answers = new Map([
    ['known', [200, '{"displayName":"Ana"}']],
    ['gone', [404, '{}']],
    ['broken', [503, '{}']],
    ['odd', [200, '{"name":"Ana"}']],
  ] as const)
  const asked: unknown[] = []
  const server = createServer((request, response) => {
    const userId = /^\/internal\/v1\/auth\/accounts\/(\w+)\/name$/.exec(request.url ?? '')?.[1] ?? ''
    asked.push(request.headers.authorization)
    const known = answers.get(userId as 'known')
    // Whoever is in no list waits for ever.
    if (known !== undefined) response.writeHead(known[0]).end(known[1])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = nameInAuth({ url, token: 'a-token' })
  expect(await ask('known')).toBe('Ana')
  expect(await ask('gone')).toBeUndefined()
  await expect(ask('broken')).rejects.toThrow('auth answered 503')
  await expect(ask('odd')).rejects.toThrow('displayName')
  await expect(nameInAuth({ url, token: 'a-token', timeoutMs: 50 })('silent')).rejects.toThrow('timeout')
  expect(new Set(asked)).toEqual(new Set(['Bearer a-token']))
})
