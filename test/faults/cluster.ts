import { setTimeout as delay } from 'node:timers/promises'
import {
  type Cache,
  openCaches,
  openInvalidator,
  renewEveryMs,
  sharedLevel,
  type Versioned,
} from '@veza/kit/cache'
import { createLog } from '@veza/kit/log'
import { openRedis, type Redis } from '@veza/kit/redis'
import { startRedisCluster, type TestRedisCluster } from '@veza/kit/testing'
import { between, seeded } from '../support/random.ts'

/** What was found out. Empty `broken` = the promise was kept. */
export interface ClusterFinding {
  readonly faults: readonly string[]
  readonly changes: number
  /** Of them those whose tombstone did not reach the cluster. */
  readonly unburied: number
  readonly reads: number
  /** Answered from the cluster. */
  readonly shared: number
  /** Of an edge that had just begun: how old what it answered was at most, milliseconds, where a tombstone was not written. */
  readonly oldest: number
  readonly broken: readonly string[]
}

const name = 'thing'
const entities = 200
const changeEveryMs = 5
const readEveryMs = 2
const freshEveryMs = 100
/** A lease is believed for three seconds, and whoever could not be reached was asked for one. */
const unburiedBoundMs = 5_000
const calmMs = 4_000

const form = { write: (_: string, value: string) => value, read: (_: string, text: string) => text }

/** What is true, since when, and what the cluster was told of it. */
const openTruth = () => {
  const versions = Array.from({ length: entities }, () => 1)
  const buried = versions.map(() => 1)
  const replacedAt = versions.map(() => [] as number[])
  let loads = 0
  return {
    versions,
    buried,
    takeLoads: () => loads,
    since: (entity: number, version: number) => replacedAt[entity]?.[version] ?? performance.now(),
    load(id: string): Promise<Versioned<string>> {
      loads++
      const version = versions[Number(id)] ?? 0
      return Promise.resolve({ version, value: `${id} at ${version}` })
    },
    change(entity: number): number {
      const version = (versions[entity] ?? 0) + 1
      versions[entity] = version
      const times = replacedAt[entity]
      if (times !== undefined) times[version - 1] = performance.now()
      return version
    },
  }
}

/** Two that go on for the whole time, and those that begin at any moment and have nothing but the cluster. */
const readers = (truth: ReturnType<typeof openTruth>, broken: Set<string>) => {
  const figures = { reads: 0, oldest: 0 }
  return {
    figures,
    /** Told of every change; must never answer less than it answered or was told of. */
    running(redis: Redis) {
      const caches = openCaches({ shared: sharedLevel(redis) })
      const cache = caches.open({ name, load: (id) => truth.load(id), maxBytes: 1_000_000, shared: form })
      const [seen, told] = [truth.versions.map(() => 0), truth.versions.map(() => 0)]
      return {
        caches,
        told(entity: number, version: number) {
          caches.changed([{ tag: `${name}:${entity}`, version }])
          told[entity] = Math.max(version, told[entity] ?? 0)
        },
        async read(entity: number) {
          const atLeast = Math.max(seen[entity] ?? 0, told[entity] ?? 0)
          const { version } = await cache.read(String(entity))
          figures.reads++
          if (version < atLeast) broken.add('an edge answered less than it had answered, or was told of')
          seen[entity] = Math.max(version, seen[entity] ?? 0)
        },
      }
    },
    /** Begins now, and reads one. */
    async fresh(redis: Redis, entity: number) {
      const caches = openCaches({ shared: sharedLevel(redis) })
      const cache: Cache<string> = caches.open({
        name,
        load: (id) => truth.load(id),
        maxBytes: 100_000,
        shared: form,
      })
      const [known, askedAt] = [truth.buried[entity] ?? 0, performance.now()]
      const newest = truth.versions[entity] ?? 0
      const { version } = await cache.read(String(entity))
      figures.reads++
      if (version < known) broken.add('an edge that had just begun answered what had been buried')
      if (version >= newest) return
      const age = askedAt - truth.since(entity, version)
      figures.oldest = Math.max(figures.oldest, age)
      if (age > unburiedBoundMs) broken.add('an edge that had just begun answered what nobody vouched for')
    },
  }
}

/** Kill, pause, hand over: each in its turn, and back to health in between. */
const strike = async (cluster: TestRedisCluster, kind: string): Promise<void> => {
  if (kind === 'a replica takes over in agreement') await cluster.handOver()
  else {
    const node = await cluster.master()
    if (kind === 'a master is killed') {
      await node.kill()
      await cluster.takenOver(node)
      await node.start()
    } else {
      node.signal('SIGSTOP')
      try {
        await cluster.takenOver(node)
      } finally {
        node.signal('SIGCONT')
      }
    }
  }
  await cluster.healthy()
}

const kinds = ['a master is killed', 'a replica takes over in agreement', 'a master is paused'] as const

/**
 * A real Redis Cluster of six nodes behind caches, while masters are lost: whether anybody is ever answered with what is
 * known to be old. What is read, and when something changes, is drawn from the seed.
 */
export const checkCluster = async ({
  seed,
  say,
}: {
  readonly seed: number
  readonly say: (line: string) => void
}): Promise<ClusterFinding> => {
  const log = createLog('faults', 'silent')
  const cluster = await startRedisCluster()
  const connections: Redis[] = []
  const connect = (timeoutMs?: number): Redis => {
    const settings = { REDIS_URL: [...cluster.urls], REDIS_CLUSTER: true }
    const redis = openRedis(settings, { log, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
    if (redis === undefined) throw new Error('a cluster is named')
    connections.push(redis)
    return redis
  }
  let [isOver, isCalm] = [false, false]
  const loops: Promise<void>[] = []
  /** Until the changes end, or everything. */
  const every = (ms: number, work: () => Promise<void>, goesOn = false): void => {
    loops.push(
      (async () => {
        while (!isOver && (goesOn || !isCalm)) {
          await Promise.all([work(), delay(ms)])
        }
      })(),
    )
  }
  const available = async (): Promise<void> => {
    for (let waited = 0; !connections.every((redis) => redis.available); waited += 50) {
      if (waited > 30_000) throw new Error('a connection does not come back to the cluster')
      await delay(50)
    }
  }
  try {
    const [random, truth, broken] = [seeded(seed), openTruth(), new Set<string>()]
    const pick = () => between(random, 0, entities - 1)
    const reading = readers(truth, broken)
    const { figures } = reading
    const invalidator = openInvalidator(connect(1_000), { log })
    const ofFresh = connect()
    const edges = [reading.running(connect()), reading.running(connect())]
    await available()
    await invalidator.renew()
    let [changes, unburied] = [0, 0]
    every(renewEveryMs, () => invalidator.renew(), true)
    every(renewEveryMs, () => {
      for (const { caches } of edges) caches.told()
      return Promise.resolve()
    })
    const burials = new Set<Promise<void>>()
    const change = async (): Promise<void> => {
      const entity = pick()
      const version = truth.change(entity)
      changes++
      const isBuried = await invalidator.bury([{ tag: `${name}:${entity}`, version }])
      if (isBuried) truth.buried[entity] = Math.max(version, truth.buried[entity] ?? 0)
      else unburied++
      for (const edge of edges) edge.told(entity, version)
    }
    every(changeEveryMs, () => {
      const burial: Promise<void> = change().finally(() => burials.delete(burial))
      burials.add(burial)
      return Promise.resolve()
    })
    for (const edge of edges) every(readEveryMs, () => edge.read(pick()))
    every(freshEveryMs, () => reading.fresh(ofFresh, pick()))

    await delay(calmMs)
    const faults: string[] = []
    const began = performance.now()
    const at = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`
    for (const kind of kinds) {
      say(`at ${at()} ${kind}`)
      faults.push(kind)
      await strike(cluster, kind)
      say(
        `at ${at()} the cluster is well again; ${figures.reads} reads, ${changes} changes, ${unburied} unburied`,
      )
      await delay(calmMs)
    }
    isCalm = true
    await delay(renewEveryMs)
    await Promise.all(burials)

    // All is well: what is in the cluster is believed again, and is right.
    await available()
    await invalidator.renew()
    for (let entity = 0; entity < entities; entity++) await reading.fresh(ofFresh, entity)
    const loadsBefore = truth.takeLoads()
    for (let entity = 0; entity < entities; entity++) await reading.fresh(ofFresh, entity)
    const shared = entities - (truth.takeLoads() - loadsBefore)
    if (shared < entities / 2) broken.add('the cluster is not used when all is well')
    return { ...figures, faults, changes, unburied, shared, broken: [...broken] }
  } finally {
    isOver = true
    await Promise.allSettled(loops)
    for (const redis of connections) redis.close()
    await cluster.stop()
  }
}
