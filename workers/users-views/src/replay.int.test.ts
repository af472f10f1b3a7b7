import { randomBytes } from 'node:crypto'
import { connectCodec, topics } from '@veza/contracts'
import { eventStore } from '@veza/kit/events'
import { createHealth } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { runRelay } from '@veza/kit/outbox'
import { hasReached, type Projection, replay, runProjection } from '@veza/kit/projection'
import { freshDatabase, freshGroup, freshTopic, infrastructure, testTelemetry } from '@veza/kit/testing'
import { migrateUsers } from '@veza/users/migrate'
import { openUsersStore, type ViewsDatabase } from '@veza/users/store'
import { expect, it, onTestFinished } from 'vitest'
import { usersViewsProjection } from './projection.ts'
import { at, history, type Placed, profileOf, rowsOf } from './testing/history.ts'

type Topic = typeof topics.usersEvents

const log = createLog('test', 'silent')
const waitMs = 40_000

/** Users' store, and a topic of its own that the events are relayed to. */
const start = async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrateUsers(fresh.url)
  const store = openUsersStore(
    {
      KEY_ENCRYPTION_KEY: randomBytes(32),
      KEY_ENCRYPTION_KEY_PREVIOUS: undefined,
      VAULT_ADDR: undefined,
      VAULT_TOKEN: undefined,
      VAULT_TRANSIT_MOUNT: 'transit',
      VAULT_TRANSIT_KEY: 'veza',
      USERS_DATABASE_URL: fresh.url,
    },
    { name: 'test', poolSize: 10, codec, log },
  )
  onTestFinished(() => store.close())
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const { name, drop } = await freshTopic({ prefix: 'users', partitions: 6 })
  onTestFinished(() => drop())
  const topic = { ...topics.usersEvents, name } as unknown as Topic
  const events = eventStore({ topic, codec })
  const relay = runRelay({
    ...{ context: 'users', databaseUrl: fresh.url, producer: kafka.producer() },
    ...{ meter: telemetry.meter, health: createHealth(), log },
  })
  onTestFinished(() => relay.stop())

  const projection: Projection<Topic, ViewsDatabase> = {
    ...usersViewsProjection(store.personal),
    ...{ name: freshGroup('users-views'), topics: [topic] },
  }
  const run = async (more: Partial<typeof projection> = {}) => {
    const fail = (error: unknown) => {
      throw error
    }
    const common = { kafka, codec, health: createHealth(), telemetry, log, fail }
    const worker = await runProjection(
      { ...projection, ...more },
      { db: store.views, check: () => store.check() },
      common,
    )
    onTestFinished(() => worker.stop())
  }
  const append = ({ stream, key, version, record }: Placed) =>
    events.append(store.db, { stream, key, expectedVersion: version - 1, events: [record] })
  const reached = (schema: string, { stream, version }: Placed) =>
    hasReached(store.db, schema, { stream, version }, waitMs)
  return { store, kafka, codec, projection, run, append, reached }
}

it('makes what the worker made, beside it and while people go on; whoever looks sees one of the two', async () => {
  const { store, kafka, codec, projection, run, append, reached } = await start()
  await run()
  await run({ name: freshGroup('users-views'), schema: 'views_undisturbed' })
  const placed = await history(store)
  for (const one of placed) await append(one)
  const ends = [...new Map(placed.map((one) => [one.stream, one])).values()]
  for (const end of ends) expect(await reached('views', end)).toBe(true)
  // What no event tells of: only views that were made anew are without it.
  const stray = { low_id: placed[0]?.key ?? '', high_id: placed[0]?.key ?? '', version: 1 }
  await store.views.insertInto('pairs').values(stray).execute()

  const state = { ended: false }
  const progress: number[] = []
  const replaying = replay(projection, store.views, {
    ...{ kafka, codec, maxChunkRecords: 20 },
    onProgress: ({ read }) => progress.push(read),
  }).finally(() => (state.ended = true))
  const seen: number[] = []
  const looking = (async () => {
    while (!state.ended) {
      const rows = await store.views
        .selectFrom('profiles')
        .leftJoin('follow_counts', 'follow_counts.user_id', 'profiles.user_id')
        .select(['display_name', 'followers'])
        .execute()
      seen.push(rows.length)
    }
  })()
  const [person] = placed.filter(({ record }) => record.type === 'ProfileCreated')
  if (person === undefined) throw new Error('a history without people')
  const rename = async (version: number): Promise<Placed> => {
    const profile = await profileOf(store, person.key, `Name ${version}`)
    const value = { userId: person.key, profile, changed: ['displayName'], updatedAt: at + version }
    return { ...person, version, record: { type: 'ProfileUpdated', value } }
  }
  let last = person
  while (!state.ended) {
    last = await rename(last.version + 1)
    await append(last)
    expect(await reached('views', last)).toBe(true)
  }
  await looking
  const { read, total } = await replaying
  expect(read).toBeGreaterThanOrEqual(total)
  expect(total).toBeGreaterThanOrEqual(placed.length)
  expect(progress.length).toBeGreaterThan(0)
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(8)

  // The worker goes on in what was swapped in.
  last = await rename(last.version + 1)
  await append(last)
  expect(await reached('views', last)).toBe(true)
  expect(await reached('views_undisturbed', last)).toBe(true)
  for (const end of ends) expect(await reached('views_undisturbed', end)).toBe(true)
  const rebuilt = await rowsOf(store, 'views')
  expect(rebuilt).toEqual(await rowsOf(store, 'views_undisturbed'))
  expect(rebuilt.profiles.find(({ user_id }) => user_id === person.key)?.display_name).toBe(
    `Name ${last.version}`,
  )
  expect(rebuilt.follows.length).toBeGreaterThan(10)
}, 120_000)
