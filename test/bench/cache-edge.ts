import { type Codec } from '@veza/contracts'
import {
  type Cache,
  type Caches,
  followInvalidations,
  openCaches,
  sharedLevel,
  type Versioned,
} from '@veza/kit/cache'
import { type Kafka } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { openRedis } from '@veza/kit/redis'
import { setTimeout as delay } from 'node:timers/promises'

/** What the entities are whose changes are watched: of a name that cache-invalidation makes tags of. */
export const cacheName = 'track'

/** What an edge of Veza's has for caches, of one cache, and when what is in it went. */
export interface Edge {
  readonly cache: Cache<string>
  /** A change that was committed, and whose event is on its way. @param at milliseconds, monotonic */
  readonly expect: (id: string, version: number, at: number) => void
  /** From an event to its eviction, milliseconds, since the last call. */
  readonly takeDelays: () => number[]
  /** Changes that it has not been told of. */
  readonly untold: number
  stop(): Promise<void>
}

interface Parts {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly log: Logger
  readonly redisUrl: string
  readonly load: (id: string) => Promise<Versioned<string>>
}

const readyWithinMs = 30_000

const waitFor = async (what: string, isSo: () => boolean): Promise<void> => {
  const deadline = performance.now() + readyWithinMs
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${readyWithinMs / 1_000} s`)
    await delay(20)
  }
}

/** Opens one that follows what is told. @returns when it has heard that somebody tells */
export const openEdge = async ({ kafka, codec, log, redisUrl, load }: Parts): Promise<Edge> => {
  const redis = openRedis({ REDIS_URL: [redisUrl], REDIS_CLUSTER: false }, { log })
  if (redis === undefined) throw new Error('the bench needs a Redis')
  const caches = openCaches({ shared: sharedLevel(redis) })
  const expected = new Map<string, { version: number; at: number }[]>()
  let untold = 0
  let delays: number[] = []
  let isTold = false
  const watched: Caches = {
    ...caches,
    told() {
      isTold = true
      caches.told()
    },
    changed(changes) {
      caches.changed(changes)
      const at = performance.now()
      for (const { tag, version } of changes) {
        const waiting = expected.get(tag.slice(cacheName.length + 1))
        while (waiting?.[0] !== undefined && waiting[0].version <= version) {
          delays.push(at - waiting[0].at)
          waiting.shift()
          untold--
        }
      }
    },
  }
  const cache = caches.open({
    name: cacheName,
    load,
    maxBytes: 64 * 1024 ** 2,
    shared: { write: (_, value) => value, read: (_, text) => text },
  })
  const following = await followInvalidations(watched, { kafka, codec, log })
  await waitFor('an edge hears of cache-invalidation', () => isTold && redis.available)
  return {
    cache,
    expect(id, version, at) {
      const waiting = expected.get(id)
      if (waiting === undefined) expected.set(id, [{ version, at }])
      else waiting.push({ version, at })
      untold++
    },
    takeDelays() {
      const taken = delays
      delays = []
      return taken
    },
    get untold() {
      return untold
    },
    async stop() {
      await following.stop()
      redis.close()
    },
  }
}
