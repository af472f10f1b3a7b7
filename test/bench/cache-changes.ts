import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { connectCodec, toHeaders, topics } from '@veza/contracts'
import { Overloaded, type Versioned } from '@veza/kit/cache'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import pg from 'pg'
import { type Random, seeded } from '../support/random.ts'
import { type Edge, openEdge } from './cache-edge.ts'
import { startEntry } from './entry.ts'

/** Where the parts are, and how much is to happen. */
export interface ChangesBench {
  readonly kafka: string
  readonly registry: string
  readonly redis: string
  /** A database that may have a table more. */
  readonly database: string
  /** Changes a second. */
  readonly changes: number
  readonly seconds: number
}

/** Of values, milliseconds. */
export interface Quantiles {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What was seen; times in milliseconds. */
export interface ChangesFigures {
  readonly changes: number
  /** From the event, handed to Kafka, to nothing older being in an edge and in Redis. */
  readonly eviction: Quantiles
  readonly reads: number
  /** Reads of the database. */
  readonly loads: number
  /** Reads that were not answered, since too many waited for the database. */
  readonly refused: number
  /** Of answers that were older than what had been committed when they were asked for: how much older. */
  readonly stale: Quantiles
  /** A reader saw less than the same edge had answered before. */
  readonly wentBack: number
  /** Entities that an edge, or one that began afterwards, had older than the database when all was over. */
  readonly leftStale: number
  /** Changes that an edge was never told of. */
  readonly untold: number
}

const entities = 2_000
/** Reads a second at each edge. Some entities are read, and changed, much more often than others. */
const readsPerSecond = 4_000
const tickMs = 10
const warmupSeconds = 5
const settleMs = 10_000

const quantilesOf = (values: readonly number[]): Quantiles => {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 }
}

/** Calls `work` with how many are due by now, every ten milliseconds: what was late is not forgiven. */
const atRate = async (
  perSecond: number,
  seconds: number,
  work: (due: number) => Promise<unknown>,
): Promise<void> => {
  const began = performance.now()
  const all: Promise<unknown>[] = []
  for (let done = 0; done < perSecond * seconds;) {
    await delay(tickMs)
    const due = Math.min(perSecond * seconds, Math.floor((perSecond * (performance.now() - began)) / 1_000))
    all.push(work(due - done))
    done = due
  }
  await Promise.all(all)
}

const oftenFirst = (random: Random): number => Math.floor(entities * random() ** 3)

/** What is true: a row an entity, and since when it is of each version. */
const openTruth = async (pool: pg.Pool) => {
  await pool.query('create table bench_entities (id integer primary key, version integer not null)')
  await pool.query('insert into bench_entities select n, 1 from generate_series(0, $1) n', [entities - 1])
  const ids = Array.from({ length: entities }, () => randomUUID())
  const places = new Map<string, number>(ids.map((id, place) => [id, place]))
  const committed = ids.map(() => 1)
  const replacedAt = ids.map(() => [0] as number[])
  let loads = 0
  return {
    ids,
    /** Of each entity the version that is committed. */
    committed,
    /** When a version was followed by the next one. */
    replacedAt: (place: number, version: number) => replacedAt[place]?.[version],
    takeLoads: () => loads,
    async load(id: string): Promise<Versioned<string>> {
      loads++
      const { rows } = await pool.query<{ version: number }>({
        name: 'bench-entity',
        text: 'select version from bench_entities where id = $1',
        values: [places.get(id)],
      })
      const version = rows[0]?.version ?? 0
      return { version, value: `${id} at ${version}` }
    },
    /** One statement for all. @returns what each has become */
    async change(chosen: readonly number[]): Promise<{ place: number; id: string; version: number }[]> {
      const { rows } = await pool.query<{ id: number; version: number }>({
        name: 'bench-change',
        text: 'update bench_entities set version = version + 1 where id = any($1) returning id, version',
        values: [chosen],
      })
      const at = performance.now()
      return rows.map(({ id: place, version }) => {
        committed[place] = Math.max(version, committed[place] ?? 0)
        const times = replacedAt[place]
        if (times !== undefined) times[version - 1] = at
        return { place, id: ids[place] ?? '', version }
      })
    },
  }
}

/**
 * Entities that change while two edges read them, each with a memory and a connection to Redis of its own, and the worker
 * that tells of changes as a process: how long until what is old is gone, and whether anybody sees less than they saw.
 */
export const measureChanges = async (o: ChangesBench): Promise<ChangesFigures> => {
  const closers: (() => Promise<unknown>)[] = []
  try {
    const log = createLog('bench', 'warn')
    const codec = await connectCodec(o.registry)
    const kafka = connectKafka(o.kafka.split(','), { clientId: 'bench', log })
    closers.unshift(() => kafka.close())
    const pool = new pg.Pool({ connectionString: o.database, max: 8 })
    closers.unshift(() => pool.end())
    const truth = await openTruth(pool)
    const worker = startEntry('workers/cache-invalidation/src/main.ts', [], {
      ...{ KAFKA_BROKERS: o.kafka, SCHEMA_REGISTRY_URL: o.registry, REDIS_URL: o.redis, INTERNAL_PORT: '0' },
    })
    closers.unshift(async () => {
      worker.kill('SIGTERM')
      await once(worker, 'exit')
    })
    const edgeOf = async (): Promise<Edge> => {
      const edge = await openEdge({ kafka, codec, log, redisUrl: o.redis, load: (id) => truth.load(id) })
      closers.unshift(() => edge.stop())
      return edge
    }
    const edges = await Promise.all([edgeOf(), edgeOf()])
    const producer = kafka.producer({ lingerMs: 0 })
    closers.unshift(() => producer.close())

    let changes = 0
    const change = async (random: Random, due: number): Promise<void> => {
      const chosen = new Set(Array.from({ length: due }, () => oftenFirst(random)))
      const changed = await truth.change([...chosen])
      changes += changed.length
      const [at, time] = [performance.now(), Date.now()]
      for (const { id, version } of changed) for (const edge of edges) edge.expect(id, version, at)
      await producer.sendAll(
        changed.map(({ id, version }) => ({
          topic: topics.tracksEvents.name,
          key: id,
          value: codec.encode(topics.tracksEvents, 'TrackCoverChanged', {
            ...{ trackId: id, ownerId: id, coverId: null, changedAt: time },
          }),
          headers: toHeaders({
            ...{ id: randomUUID(), type: 'TrackCoverChanged', source: '/bench', time },
            ...{ subject: `track-${id}`, sequence: version },
          }),
        })),
      )
    }

    let [reads, wentBack, refused] = [0, 0, 0]
    let stale: number[] = []
    const readAt = (edge: Edge) => {
      const seen = truth.ids.map(() => 0)
      return async (place: number): Promise<void> => {
        const [before, newest, askedAt] = [seen[place] ?? 0, truth.committed[place] ?? 0, performance.now()]
        const answer = await edge.cache.read(truth.ids[place] ?? '').catch((error: unknown) => {
          if (error instanceof Overloaded) return undefined
          throw error
        })
        if (answer === undefined) {
          refused++
          return
        }
        const { version } = answer
        reads++
        if (version < before) wentBack++
        if (version < newest) stale.push(askedAt - (truth.replacedAt(place, version) ?? askedAt))
        seen[place] = Math.max(version, seen[place] ?? 0)
      }
    }
    const run = async (seconds: number, seed: number): Promise<void> => {
      const random = seeded(seed)
      await Promise.all([
        atRate(o.changes, seconds, (due) => change(random, due)),
        ...edges.map((edge) => {
          const read = readAt(edge)
          return atRate(readsPerSecond, seconds, (due) =>
            Promise.all(Array.from({ length: due }, () => read(oftenFirst(random)))),
          )
        }),
      ])
      const deadline = performance.now() + settleMs
      while (edges.some(({ untold }) => untold > 0) && performance.now() < deadline) await delay(tickMs)
    }
    await run(warmupSeconds, 1)
    for (const edge of edges) edge.takeDelays()
    ;[changes, reads, wentBack, refused, stale] = [0, 0, 0, 0, []]
    const loadsBefore = truth.takeLoads()
    await run(o.seconds, 2)
    const loads = truth.takeLoads() - loadsBefore

    const late = await edgeOf()
    let leftStale = 0
    for (const edge of [...edges, late])
      for (const [place, id] of truth.ids.entries())
        if ((await edge.cache.read(id)).version < (truth.committed[place] ?? 0)) leftStale++
    return {
      ...{ changes, reads, loads, refused, wentBack, leftStale },
      eviction: quantilesOf(edges.flatMap((edge) => edge.takeDelays())),
      stale: quantilesOf(stale),
      untold: edges.reduce((sum, { untold }) => sum + untold, 0),
    }
  } finally {
    for (const close of closers) await close()
  }
}
