import { randomUUID } from 'node:crypto'
import { connectCodec, deadLetterTopic, toHeaders, topics } from '@veza/contracts'
import { followInvalidations, openCaches, sharedLevel, type Versioned } from '@veza/kit/cache'
import { createHealth } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openRedis } from '@veza/kit/redis'
import { freshGroup, freshTopic, infrastructure, startRedis, testTelemetry } from '@veza/kit/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type SourceTopic } from './changes.ts'
import { openCacheInvalidation } from './index.ts'

const waiting = { timeout: 40_000, interval: 20 }
const log = createLog('test', 'silent')
const form = { write: (_: string, value: string) => value, read: (_: string, text: string) => text }

it('tells every process and Redis what has changed, in whatever order it hears of it, and goes on without Redis', async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const name = freshGroup('cache-invalidation')
  const made = await Promise.all([
    freshTopic({ prefix: 'users.events' }),
    freshTopic({ prefix: 'tracks.events' }),
    freshTopic({ prefix: 'cache.invalidations', partitions: 2 }),
    freshTopic({ prefix: deadLetterTopic(name).replace(/\.v1$/, '') }),
  ])
  onTestFinished(async () => {
    await Promise.all(made.map(({ drop }) => drop()))
  })
  const [users, tracks, invalidations] = made
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())

  const REDIS = { REDIS_URL: [server.url], REDIS_CLUSTER: false }
  const topic = { ...topics.cacheInvalidations, name: invalidations.name }
  const worker = openCacheInvalidation(
    REDIS,
    { kafka, codec, health: createHealth(), telemetry, log, fail: vi.fn() },
    {
      name,
      topics: [
        { ...topics.usersEvents, name: users.name },
        { ...topics.tracksEvents, name: tracks.name },
      ] as unknown as SourceTopic[],
      invalidations: topic as unknown as typeof topics.cacheInvalidations,
    },
  )
  onTestFinished(() => worker.stop())

  const redis = openRedis(REDIS, { log })
  if (redis === undefined) throw new Error('a Redis is named')
  onTestFinished(() => {
    redis.close()
  })
  let truth: Versioned<string> = { version: 3, value: 'three' }
  const load = vi.fn(() => Promise.resolve(truth))
  const process = async () => {
    const caches = openCaches({ shared: sharedLevel(redis) })
    const told = vi.spyOn(caches, 'told')
    const cache = caches.open({ name: 'track', load, maxBytes: 100_000, shared: form })
    const following = await followInvalidations(caches, {
      ...{
        kafka,
        codec,
        log,
        meter: telemetry.meter,
        topic: topic,
      },
    })
    onTestFinished(() => following.stop())
    return { cache, told }
  }
  const [one, other] = await Promise.all([process(), process()])
  await vi.waitFor(() => {
    expect(one.told).toHaveBeenCalled()
    expect(other.told).toHaveBeenCalled()
  }, waiting)

  const trackId = randomUUID()
  const producer = kafka.producer()
  onTestFinished(() => producer.close())
  const happens = (version: number, time = Date.now()) =>
    producer.send({
      topic: tracks.name,
      key: trackId,
      value: codec.encode(topics.tracksEvents, 'TrackCoverChanged', {
        ...{ trackId, ownerId: randomUUID(), coverId: null, changedAt: time },
      }),
      headers: toHeaders({
        ...{ id: randomUUID(), type: 'TrackCoverChanged', source: '/test', time },
        ...{ subject: `track-${trackId}`, sequence: version },
      }),
    })
  const becomes = async (version: number) => {
    await happens(version)
    truth = { version, value: String(version) }
    for (const { cache } of [one, other])
      await vi.waitFor(async () => {
        expect((await cache.read(trackId)).version).toBe(version)
      }, waiting)
  }
  for (const { cache } of [one, other]) expect((await cache.read(trackId)).version).toBe(3)
  await becomes(5)
  await happens(4)
  await happens(5)
  // The next change comes after these in the partition: that they were heard of made no difference.
  await becomes(6)
  expect(await telemetry.metrics()).toMatch(/cache_event_to_eviction_seconds_count\{.*cache="track"/)

  // One that begins now has Redis, where nothing is that is older.
  await vi.waitFor(async () => {
    load.mockClear()
    await one.cache.read(trackId, 6)
    const late = openCaches({ shared: sharedLevel(redis) })
    const cache = late.open({ name: 'track', load, maxBytes: 100_000, shared: form })
    expect(await cache.read(trackId)).toEqual({ version: 6, value: '6' })
  }, waiting)

  await server.kill()
  await becomes(7)
  await server.start()
  await becomes(8)
}, 120_000)
