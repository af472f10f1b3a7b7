import { randomBytes, randomUUID } from 'node:crypto'
import { connectCodec, toHeaders, topics } from '@veza/contracts'
import { createHealth } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { createModel } from '@veza/kit/projection'
import { createSealing, envKeyEncryption } from '@veza/kit/sealing'
import { freshDatabase, infrastructure, testTelemetry } from '@veza/kit/testing'
import { type Message } from '@veza/kit/worker'
import { migrateUsers } from '@veza/users/migrate'
import {
  createPersonalData,
  openUsersStore,
  projectViews,
  type UsersStore,
  usersViews,
} from '@veza/users/store'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openUsersViews } from './index.ts'
import { usersViewsProjection } from './projection.ts'
import { at, history, type Placed, profileOf, rowsOf } from './testing/history.ts'

const log = createLog('test', 'silent')
const telemetry = testTelemetry()
const key = randomBytes(32)
const closers: (() => Promise<unknown>)[] = []
let store: UsersStore
let url: string
let codec: Awaited<ReturnType<typeof connectCodec>>

const settings = () => ({
  KEY_ENCRYPTION_KEY: key,
  KEY_ENCRYPTION_KEY_PREVIOUS: undefined,
  VAULT_ADDR: undefined,
  VAULT_TOKEN: undefined,
  VAULT_TRANSIT_MOUNT: 'transit',
  VAULT_TRANSIT_KEY: 'veza',
  USERS_DATABASE_URL: url,
})

beforeAll(async () => {
  const fresh = await freshDatabase()
  url = fresh.url
  await migrateUsers(url)
  codec = await connectCodec(infrastructure().schemaRegistryUrl)
  store = openUsersStore(settings(), { name: 'test', poolSize: 4, codec, log })
  closers.push(
    () => store.close(),
    () => fresh.drop(),
    () => telemetry.close(),
  )
})
afterAll(async () => {
  for (const close of closers) await close()
})

/** Builds views in a schema of their own, of stretches of records. */
const build = async (schema: string, stretches: readonly (readonly Placed[])[]) => {
  await createModel(store.views, usersViews, schema)
  const take = projectViews(store.personal)
  for (const stretch of stretches)
    await (store.db as unknown as UsersStore['views'])
      .transaction()
      .execute((trx) => take(trx.withSchema(schema), stretch))
  return rowsOf(store, schema)
}

/** Deterministic, so that a failure can be repeated. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

describe('the views', () => {
  it('are the same however the records are cut and mixed, as long as a key keeps its order', async () => {
    const placed = await history(store)
    const whole = await build('whole', [placed])
    expect(whole.follows.length).toBeGreaterThan(10)
    expect(whole.blocks.length).toBeGreaterThan(0)
    expect(whole.profiles.filter(({ erased }) => erased)).toHaveLength(1)
    for (const { user_id, followers, following } of whole.counts) {
      expect(followers).toBe(whole.follows.filter(({ followee_id }) => followee_id === user_id).length)
      expect(following).toBe(whole.follows.filter(({ follower_id }) => follower_id === user_id).length)
    }
    for (const seed of [1, 2, 3]) {
      const next = random(seed)
      const keys = [...new Set(placed.map(({ key }) => key))]
      const byKey = keys.map((key) => placed.filter((one) => one.key === key))
      const stretches: Placed[][] = []
      while (byKey.some((rest) => rest.length > 0)) {
        const rest = byKey[Math.floor(next() * byKey.length)] ?? []
        const stretch = rest.splice(0, 1 + Math.floor(next() * 6))
        if (stretch.length > 0) stretches.push(stretch)
      }
      expect(await build(`mixed_${seed}`, stretches)).toEqual(whole)
    }
  })

  it('do not change when records come again, all or some of them', async () => {
    const placed = await history(store)
    const once = await build('once', [placed])
    const again = await build('again', [placed, placed.slice(5, 20), placed, placed.slice(0, 3)])
    expect(again).toEqual(once)
  })

  it('are built of a history whose people were erased since', async () => {
    const placed = await history(store)
    const gone = placed.find(({ record }) => record.type === 'UserErased')?.key ?? ''
    await store.sealing.erase(store.db, gone)
    const cold = createPersonalData(createSealing({ db: store.db, keyEncryption: envKeyEncryption([key]) }))
    await createModel(store.views, usersViews, 'rebuilt')
    await (store.db as unknown as UsersStore['views'])
      .transaction()
      .execute((trx) => projectViews(cold)(trx.withSchema('rebuilt'), placed))
    expect(await rowsOf(store, 'rebuilt')).toEqual(await build('live', [placed]))
  })
})

describe('the worker', () => {
  it('takes records from the topic into the views', async () => {
    const kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: 'test', log })
    closers.unshift(() => kafka.close())
    const producer = kafka.producer()
    closers.unshift(() => producer.close())
    const health = createHealth()
    const worker = await openUsersViews(settings(), {
      ...{ kafka, codec, health, telemetry, log },
      fail: (error) => {
        throw error
      },
    })
    closers.unshift(() => worker.stop())
    const userId = randomUUID()
    const value = { userId, profile: await profileOf(store, userId, 'Ana'), createdAt: at }
    await producer.send({
      topic: topics.usersEvents.name,
      key: userId,
      value: codec.encode(topics.usersEvents, 'ProfileCreated', value),
      headers: toHeaders({
        id: randomUUID(),
        type: 'ProfileCreated',
        source: '/users',
        time: at,
        subject: `user-${userId}`,
        sequence: 1,
      }),
    })
    await vi.waitFor(
      async () => {
        const row = await store.views
          .selectFrom('profiles')
          .select('display_name')
          .where('user_id', '=', userId)
          .executeTakeFirst()
        expect(row?.display_name).toBe('Ana')
      },
      { timeout: 30_000 },
    )
  })

  it('refuses a record without its place, and no other', () => {
    const { refuse } = usersViewsProjection(store.personal)
    const isRefused = (headers: Record<string, string>) =>
      refuse?.({
        type: 'UserErased',
        value: { userId: randomUUID(), erasedAt: at },
        record: {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
          ),
        },
      } as unknown as Message<typeof topics.usersEvents>) !== undefined
    expect(isRefused({ ce_subject: 'user-1', ce_sequence: '1' })).toBe(false)
    expect(isRefused({ ce_sequence: '1' })).toBe(true)
    for (const sequence of ['x', '0', '1.5', ''])
      expect(isRefused({ ce_subject: 'user-1', ce_sequence: sequence })).toBe(true)
  })
})
