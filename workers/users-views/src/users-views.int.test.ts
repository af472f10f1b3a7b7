import { randomBytes, randomUUID } from 'node:crypto'
import { connectCodec, toHeaders, topics, type RecordOf } from '@veza/contracts'
import { createTopics, registerSchemas } from '@veza/contracts/deploy'
import { createHealth } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { createSealing, envKeyEncryption } from '@veza/kit/sealing'
import { freshDatabase, infrastructure, testTelemetry } from '@veza/kit/testing'
import { type HandleChunk, type Message } from '@veza/kit/worker'
import { migrateUsers } from '@veza/users/migrate'
import {
  createPersonalData,
  createViews,
  openUsersStore,
  projectViews,
  type UsersStore,
} from '@veza/users/store'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openUsersViews } from './index.ts'
import { project } from './project.ts'

type Topic = typeof topics.usersEvents
type UsersRecord = RecordOf<Topic>

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
  await registerSchemas(infrastructure().schemaRegistryUrl)
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

const at = 1_795_391_116_555
const profileOf = (userId: string, displayName: string) =>
  store.personal.seal(userId, 'profile', { displayName, handle: null, bio: '', location: '', links: [] })

interface Placed {
  readonly record: UsersRecord
  readonly version: number
  readonly key: string
}

/** A history of people who sign up, rename, follow, block and go: per key in order. */
const history = async (): Promise<Placed[]> => {
  const people = Array.from({ length: 8 }, () => randomUUID()).sort()
  const placed: Placed[] = []
  const versions = new Map<string, number>()
  const add = (stream: string, key: string, record: UsersRecord) => {
    const version = (versions.get(stream) ?? 0) + 1
    versions.set(stream, version)
    placed.push({ record, version, key })
  }
  for (const [n, userId] of people.entries()) {
    const value = { userId, profile: await profileOf(userId, `P${n}`) }
    add(userId, userId, { type: 'ProfileCreated', value: { ...value, createdAt: at + n } })
  }
  people.forEach((followerId, n) => {
    people.forEach((followeeId, m) => {
      if (n === m || (n + m) % 3 === 0) return
      const [low, high] = followerId < followeeId ? [followerId, followeeId] : [followeeId, followerId]
      const stream = `${low}.${high}`
      const ids = { followerId, followeeId }
      add(stream, low, { type: 'FollowStarted', value: { ...ids, startedAt: at + n * 10 + m } })
      if ((n + m) % 5 === 0)
        add(stream, low, { type: 'FollowEnded', value: { ...ids, reason: 'unfollowed', endedAt: at + 500 } })
      if ((n + m) % 7 === 0)
        add(stream, low, {
          type: 'UserBlocked',
          value: { blockerId: followerId, blockedId: followeeId, blockedAt: at + 600 },
        })
    })
  })
  const [gone = ''] = people.slice(3)
  add(gone, gone, { type: 'UserErased', value: { userId: gone, erasedAt: at + 900 } })
  return placed
}

const rowsOf = async (schema: string) => {
  const db = store.db.withSchema(schema) as unknown as UsersStore['views']
  const [profiles, pairs, follows, blocks, counts] = await Promise.all([
    db.selectFrom('profiles').selectAll().orderBy('user_id').execute(),
    db.selectFrom('pairs').selectAll().orderBy('low_id').orderBy('high_id').execute(),
    db.selectFrom('follows').selectAll().orderBy('follower_id').orderBy('followee_id').execute(),
    db.selectFrom('blocks').selectAll().orderBy('blocker_id').orderBy('blocked_id').execute(),
    db.selectFrom('follow_counts').selectAll().where('followers', '<>', 0).orderBy('user_id').execute(),
  ])
  return { profiles, pairs, follows, blocks, counts }
}

/** Builds views in a schema of their own, of stretches of records. */
const build = async (schema: string, stretches: readonly (readonly Placed[])[]) => {
  await createViews(store.db, schema)
  const take = projectViews(store.personal)
  for (const stretch of stretches)
    await (store.db as unknown as UsersStore['views'])
      .transaction()
      .execute((trx) => take(trx.withSchema(schema), stretch))
  return rowsOf(schema)
}

/** Deterministic, so that a failure can be repeated. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

describe('the views', () => {
  it('are the same however the records are cut and mixed, as long as a key keeps its order', async () => {
    const placed = await history()
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
    const placed = await history()
    const once = await build('once', [placed])
    const again = await build('again', [placed, placed.slice(5, 20), placed, placed.slice(0, 3)])
    expect(again).toEqual(once)
  })

  it('are built of a history whose people were erased since', async () => {
    const placed = await history()
    const gone = placed.find(({ record }) => record.type === 'UserErased')?.key ?? ''
    await store.sealing.erase(store.db, gone)
    const cold = createPersonalData(createSealing({ db: store.db, keyEncryption: envKeyEncryption([key]) }))
    await createViews(store.db, 'rebuilt')
    await (store.db as unknown as UsersStore['views'])
      .transaction()
      .execute((trx) => projectViews(cold)(trx.withSchema('rebuilt'), placed))
    expect(await rowsOf('rebuilt')).toEqual(await build('live', [placed]))
  })
})

describe('the worker', () => {
  it('takes records from the topic into the views, and dead-letters what has no place', async () => {
    const kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: 'test', log })
    closers.unshift(() => kafka.close())
    const producer = kafka.producer()
    closers.unshift(() => producer.close())
    await createTopics(infrastructure().kafkaBrokers, { replication: 1 })
    const health = createHealth()
    const worker = openUsersViews(settings(), {
      ...{ kafka, codec, health, telemetry, log },
      fail: (error) => {
        throw error
      },
    })
    closers.unshift(() => worker.stop())
    const userId = randomUUID()
    const value = { userId, profile: await profileOf(userId, 'Ana'), createdAt: at }
    await producer.send({
      topic: topics.usersEvents.name,
      key: userId,
      value: codec.encode(topics.usersEvents, 'ProfileCreated', value),
      headers: toHeaders({
        id: randomUUID(),
        type: 'ProfileCreated',
        source: '/users',
        time: at,
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

  it('says of a record without its place that it is dead, and takes the others', async () => {
    const seen: unknown[] = []
    const handle: HandleChunk<Topic> = project({
      views: store.views,
      project: (_, records) => Promise.resolve(void seen.push(...records)),
    })
    const message = (sequence: string | undefined) =>
      ({
        type: 'UserErased',
        value: { userId: randomUUID(), erasedAt: at },
        record: { headers: sequence === undefined ? {} : { ce_sequence: Buffer.from(sequence) } },
      }) as unknown as Message<Topic>
    const outcomes = await handle([message('1'), message(undefined), message('x'), message('0')], {
      signal: new AbortController().signal,
    } as Parameters<typeof handle>[1])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'dead', 'dead', 'dead'])
    expect(seen).toHaveLength(1)
  })
})
