import { randomUUID } from 'node:crypto'
import { type Codec, connectCodec, type RecordOf, toHeaders, topics } from '@veza/contracts'
import { createHealth } from '@veza/kit/internal'
import { connectKafka, type Kafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { type FreshDatabase, freshDatabase, infrastructure, testTelemetry } from '@veza/kit/testing'
import { migrateTracks } from '@veza/tracks/migrate'
import { type RelationsDatabase } from '@veza/tracks/store'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openTracksRelations, replayTracksRelations } from './index.ts'

const log = createLog('test', 'silent')
const at = 1_795_391_116_555
const closers: (() => Promise<unknown>)[] = []
let kafka: Kafka
let codec: Codec
let fresh: FreshDatabase
let database: Database<RelationsDatabase>

beforeAll(async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  codec = await connectCodec(schemaRegistryUrl)
  kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  fresh = await freshDatabase()
  await migrateTracks(fresh.url)
  database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 4, log })
  const telemetry = testTelemetry()
  const worker = await openTracksRelations(
    { TRACKS_DATABASE_URL: fresh.url },
    {
      ...{ kafka, codec, health: createHealth(), telemetry, log },
      fail: (error) => {
        throw error
      },
    },
  )
  closers.push(
    () => worker.stop(),
    () => kafka.close(),
    () => database.close(),
    () => fresh.drop(),
    () => telemetry.close(),
  )
})
afterAll(async () => {
  for (const close of closers) await close()
})

type UsersRecord = RecordOf<typeof topics.usersEvents>

/** Of these people alone: other tests write to the same topic. */
const rowsOf = async (people: readonly string[]) => {
  const db = database.db.withSchema('relations')
  const names = new Map(people.map((id, nth) => [id, 'abc'[nth]]))
  const follows = await db.selectFrom('follows').selectAll().where('follower_id', 'in', people).execute()
  const blocks = await db.selectFrom('blocks').selectAll().where('blocker_id', 'in', people).execute()
  const line = (one: string, sign: string, other: string) =>
    `${names.get(one) ?? '?'}${sign}${names.get(other) ?? '?'}`
  return [
    ...follows.map((row) => line(row.follower_id, '>', row.followee_id)),
    ...blocks.map((row) => line(row.blocker_id, '!', row.blocked_id)),
  ].sort()
}

it('keeps who follows and who blocks whom, and forgets whoever is erased; rebuilt it is the same', async () => {
  const producer = kafka.producer()
  closers.unshift(() => producer.close())
  const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()]
  const versions = new Map<string, number>()
  const send = async (stream: string, key: string, { type, value }: UsersRecord) => {
    const sequence = (versions.get(stream) ?? 0) + 1
    versions.set(stream, sequence)
    const headers = toHeaders({
      ...{ id: randomUUID(), type, source: '/users', time: at, subject: stream, sequence },
    })
    const encoded = codec.encode(topics.usersEvents, type, value)
    await producer.send({ topic: topics.usersEvents.name, key, value: encoded, headers })
  }
  const follow = (followerId: string, followeeId: string): UsersRecord => ({
    ...{ type: 'FollowStarted', value: { followerId, followeeId, startedAt: at } },
  })
  const pair = (one: string, other: string) => [`pair-${[one, other].sort().join('.')}`, a] as const
  await send(...pair(a, b), follow(a, b))
  await send(...pair(b, c), follow(c, b))
  await send(...pair(a, c), follow(a, c))
  await send(...pair(a, c), {
    ...{ type: 'FollowEnded', value: { followerId: a, followeeId: c, reason: 'blocked', endedAt: at } },
  })
  await send(...pair(a, c), {
    ...{ type: 'UserBlocked', value: { blockerId: c, blockedId: a, blockedAt: at } },
  })
  const people = [a, b, c]
  const becomes = (rows: string[]) =>
    vi.waitFor(
      async () => {
        expect(await rowsOf(people)).toEqual(rows)
      },
      { timeout: 30_000 },
    )
  await becomes(['a>b', 'c!a', 'c>b'])
  await replayTracksRelations({ TRACKS_DATABASE_URL: fresh.url }, { kafka, codec, log })
  expect(await rowsOf(people)).toEqual(['a>b', 'c!a', 'c>b'])

  await send(...pair(a, c), {
    ...{ type: 'UserUnblocked', value: { blockerId: c, blockedId: a, unblockedAt: at } },
  })
  await becomes(['a>b', 'c>b'])
  await send(`user-${b}`, b, { type: 'UserErased', value: { userId: b, erasedAt: at } })
  await becomes([])
  await replayTracksRelations({ TRACKS_DATABASE_URL: fresh.url }, { kafka, codec, log })
  expect(await rowsOf(people)).toEqual([])
}, 90_000)
