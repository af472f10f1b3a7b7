import { type Child, type Veza } from '@veza/deploy/launcher'
import { gatherCrowd, liftedLimits } from '../load/crowd.ts'
import { drawFaults, type FaultRecord, makeFaults } from '../load/faults.ts'
import { startGenerator } from '../load/generator.ts'
import { brokenPromises, type LoadNews, type LoadReport } from '../load/plan.ts'
import { startOwnVeza } from '../stack/veza.ts'

/** What is asked of the checker. */
export interface Check {
  readonly seconds: number
  readonly seed: number
  /**
   * Messages a second, over 8 rooms. At 200 a client that is away for as long as the longest pause makes it is behind by
   * more than the 300 that a recovery brings, and has to read history.
   */
  readonly rate: number
  readonly onNews?: (news: LoadNews) => void
}

export interface Finding {
  readonly faults: readonly FaultRecord[]
  readonly report: LoadReport
  /** Empty = the promise was kept. */
  readonly broken: readonly string[]
}

/** What is struck: two edges, two workers, the broker and the database. */
const partsOf = async (veza: Veza): Promise<{ parts: Map<string, Child>; edges: string[] }> => {
  const { kafka, postgres } = veza.infrastructure
  if (kafka === undefined || postgres === undefined) throw new Error('the checker needs a stack of its own')
  const [edge, worker] = await Promise.all([veza.another('realtime'), veza.another('chat-fanout')])
  const parts = new Map([
    ['realtime', veza.processes.realtime],
    ['realtime-2', edge.child],
    ['chat-fanout', veza.processes['chat-fanout']],
    ['chat-fanout-2', worker.child],
    ['kafka', kafka],
    ['postgres', postgres],
  ])
  const second = veza.endpoints.ws.replace(/:\d+\//, `:${edge.port}/`)
  return { parts, edges: [veza.endpoints.ws, second] }
}

/**
 * Jepsen's way, after its workload for Kafka: clients at two edges note what they sent, what was acknowledged and what
 * they saw, while parts of the stack are killed and paused. Then, once all is well again: every acknowledged message
 * is there once, at every subscriber and in the store, in one order for everybody; and none that was given up
 * unanswered is there for some and not for others. What happens when is drawn from the seed.
 */
export const check = async ({ seconds, seed, rate, onNews }: Check): Promise<Finding> => {
  const veza = await startOwnVeza('faults', { ...liftedLimits, LOG_LEVEL: 'warn' })
  try {
    const { parts, edges } = await partsOf(veza)
    const crowd = await gatherCrowd(veza.endpoints.http, { sockets: 48, rooms: 8, people: 12 })
    let faults: Promise<FaultRecord[]> = Promise.resolve([])
    const generator = startGenerator(
      {
        edges,
        http: veza.endpoints.http,
        databaseUrl: veza.stack.databaseUrls.chat,
        rooms: crowd.rooms,
        sockets: await crowd.sockets(),
        rate,
        seconds,
        warmupSeconds: 0,
        bodyCharacters: 120,
        settleSeconds: 180,
        cuts: Math.ceil(seconds / 5),
        abandons: 0.5,
        seed,
      },
      (news) => {
        onNews?.(news)
        if (news.type !== 'connected') return
        faults = makeFaults(parts, drawFaults([...parts.keys()], seconds, seed), seconds, seed)
        // Awaited below; until then a rejection must not be an unhandled one.
        faults.catch(() => undefined)
      },
    )
    try {
      const report = await generator.report
      return { faults: await faults, report, broken: brokenPromises(report) }
    } finally {
      await generator.stop()
    }
  } finally {
    await veza.stop()
  }
}
