import { startOwnVeza } from '../stack/veza.ts'
import { measureChanges, type Quantiles } from './cache-changes.ts'
import { measureHits } from './cache-hits.ts'
import { measureReads, type ReadsOfEdge } from './cache-reads.ts'
import { rounded, say, table, writeResult } from './output.ts'

/** What is asked of the cache bench. */
export interface CacheBench {
  /** Changes of entities, a second. */
  readonly changes: number
  /** Reads of the API a second, at each of two edges. */
  readonly rate: number
  /** Of each of the two measurements. */
  readonly seconds: number
}

/** Reads a second from what a process holds. */
const hitsBound = 1_000_000
/** From an event to its eviction, p99. */
const evictionBoundMs = 100
/** How many times cheaper hot reads are to the database. */
const cheaperBound = 3

const delays = (name: string, { count, p50, p99, max }: Quantiles) => [
  ...[name, count],
  ...[p50, p99, max].map((value) => rounded(value)),
]

const sumOf = ({ work }: ReadsOfEdge) => {
  const all = Object.values(work)
  return {
    statements: all.reduce((sum, { statements }) => sum + statements, 0),
    milliseconds: all.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  }
}

const costOf = (edge: ReadsOfEdge): number => (1_000 * sumOf(edge).milliseconds) / edge.reads

const printReads = (edges: readonly ReadsOfEdge[]): void => {
  table(
    ['edge', 'request', 'requests', 'failed', 'p50 ms', 'p99 ms'],
    edges.flatMap(({ name, figures }) =>
      figures.map(({ name: request, requests, failed, p50, p99 }) => [
        ...[name, request, requests, failed, p50, p99],
      ]),
    ),
  )
  say('')
  table(
    ['edge', 'database', 'statements', 'ms'],
    edges.flatMap((edge) =>
      [...Object.entries(edge.work), ['all', sumOf(edge)] as const].map(([database, work]) => [
        ...[edge.name, database, work.statements, rounded(work.milliseconds, 0)],
      ]),
    ),
  )
}

/**
 * What caches promise, measured: how fast a process answers from what it holds; what hot reads of the API cost the
 * database with and without; how long until a change is known everywhere, and that nobody sees less than they saw.
 *
 * @returns whether all bounds were held
 */
export const benchCache = async ({ changes, rate, seconds }: CacheBench): Promise<boolean> => {
  const hits = await measureHits()
  say(`from what a process holds: ${rounded(hits / 1e6, 2)} million reads a second, one after the other`)
  const veza = await startOwnVeza('bench')
  try {
    const { cached, uncached } = await measureReads(veza, { rate, seconds })
    const cheaper = costOf(uncached) / costOf(cached)
    say(`\n${rate} hot reads a second at each of two edges for ${seconds} s`)
    printReads([cached, uncached])
    say(
      `a read costs the database ${rounded(costOf(cached))} us with the cache, ${rounded(costOf(uncached))} us without: ` +
        `${rounded(cheaper)} times less`,
    )

    // From here on no other process of Veza's than the one that tells of changes, as where each has a machine.
    for (const child of Object.values(veza.processes).toReversed()) await child.stop()
    const figures = await measureChanges({
      ...{ kafka: veza.endpoints.kafka, registry: veza.endpoints.registry, redis: veza.endpoints.redis },
      ...{ database: veza.stack.databaseUrls.tracks, changes, seconds },
    })
    const { eviction, stale, reads, loads, refused, wentBack, leftStale, untold } = figures
    say(`\n${figures.changes} changes in ${seconds} s, two edges that read`)
    table(
      ['ms', 'number', 'p50', 'p99', 'max'],
      [delays('event to eviction', eviction), delays('stale answers: how stale', stale)],
    )
    say(
      `${reads} reads, ${refused} refused, ${loads} of them of the database; ${wentBack} saw less than was seen before at the same edge; ` +
        `${leftStale} entities stale in the end; ${untold} changes never told`,
    )
    writeResult('cache', { changes, rate, seconds, hits, cached, uncached, cheaper, figures })
    return (
      hits >= hitsBound &&
      cheaper >= cheaperBound &&
      eviction.p99 <= evictionBoundMs &&
      wentBack + leftStale + untold + cached.failed + uncached.failed === 0
    )
  } finally {
    await veza.stop()
  }
}
