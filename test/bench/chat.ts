import { type Child, type Veza } from '@veza/deploy/launcher'
import { type Crowd, gatherCrowd, liftedLimits } from '../load/crowd.ts'
import { type Fault, type FaultRecord, makeFaults } from '../load/faults.ts'
import { startGenerator } from '../load/generator.ts'
import { brokenPromises, type Latency, type LoadPlan, type LoadReport } from '../load/plan.ts'
import { startOwnVeza } from '../stack/veza.ts'
import { rounded, say, table, writeResult } from './output.ts'
import { type ProcessUsage, watchProcesses } from './processes.ts'

/** What is asked of the chat bench. */
export interface ChatBench {
  /** Messages a second. With `findMax` the first step. */
  readonly rate: number
  /** Of each measurement, after a warm-up. */
  readonly seconds: number
  readonly sockets: number
  readonly rooms: number
  /** So many of the sockets are the published SDK. */
  readonly sdks: number
  readonly findMax: boolean
  readonly faults: boolean
  /** Two edges and two chat-fanouts; the second ones leave and join in an orderly way, and are killed. */
  readonly pairs: boolean
}

const people = 100
const seed = 20_261_122
// Processes that have just started are slow for as long as V8 compiles what is hot: some 15 s at these rates.
const warmupSeconds = 15
/** What a rate must stay below to count as held: publish to delivery, p99, ms. */
const boundMs = 250

interface Measured {
  readonly rate: number
  readonly report: LoadReport
  readonly processes: readonly ProcessUsage[]
  readonly faults: readonly FaultRecord[]
  /** Empty = everything that was acknowledged arrived once, in one order, and is stored once. */
  readonly broken: readonly string[]
}

/** The processes that are watched and struck, and the endpoints that clients connect to. */
interface Parts {
  readonly edges: readonly string[]
  readonly processes: Readonly<Record<string, Child>>
  /** What happens to them while it runs. */
  readonly faults: readonly Fault[]
}

const partsOf = async (veza: Veza, { faults, pairs }: ChatBench): Promise<Parts> => {
  const { ws } = veza.endpoints
  if (!pairs)
    return {
      edges: [ws],
      processes: veza.processes,
      faults: faults ? ['kill chat-fanout', 'kill chat-fanout', 'restart kafka', 'kill chat-fanout'] : [],
    }
  const edge = await veza.another('realtime')
  const worker = await veza.another('chat-fanout')
  return {
    edges: [ws, ws.replace(/:\d+\//, `:${edge.port}/`)],
    processes: { ...veza.processes, 'realtime-2': edge.child, 'chat-fanout-2': worker.child },
    faults: ['restart chat-fanout-2', 'restart realtime-2', 'kill chat-fanout-2', 'kill realtime-2'],
  }
}

const measure = async (
  veza: Veza,
  parts: Parts,
  crowd: Crowd,
  bench: ChatBench,
  rate: number,
): Promise<Measured> => {
  const plan: LoadPlan = {
    edges: parts.edges,
    http: veza.endpoints.http,
    databaseUrl: veza.stack.databaseUrls.chat,
    rooms: crowd.rooms,
    sockets: await crowd.sockets(),
    rate,
    seconds: bench.seconds,
    warmupSeconds,
    bodyCharacters: 120,
    settleSeconds: 180,
    cuts: 0,
    sdks: bench.sdks,
    seed,
  }
  let watch: ReturnType<typeof watchProcesses> | undefined
  let faults: Promise<FaultRecord[]> = Promise.resolve([])
  const generator = startGenerator(plan, (news) => {
    if (news.type === 'progress' && news.second % 5 === 0)
      say(
        `  ${news.second} s: ${news.acknowledged} acknowledged, ${news.delivered} delivered, ${news.owed} on their way`,
      )
    if (news.type !== 'connected') return
    say(`  ${plan.sockets.length} sockets are subscribed; sending ${rate} messages a second`)
    watch = watchProcesses([
      ...Object.entries(parts.processes).map(([name, child]) => ({ name, pid: () => child.pid })),
      ...Object.entries(veza.infrastructure).map(([name, child]) => ({
        name,
        pid: () => child.pid,
        withChildren: name === 'postgres',
      })),
      { name: 'load generator', pid: () => generator.pid },
    ])
    if (parts.faults.length > 0)
      faults = makeFaults(
        new Map(Object.entries({ ...veza.infrastructure, ...parts.processes })),
        parts.faults,
        warmupSeconds + bench.seconds,
        plan.seed,
      )
    // Awaited below; until then a rejection must not be an unhandled one.
    faults.catch(() => undefined)
  })
  try {
    const report = await generator.report
    return {
      rate,
      report,
      processes: watch?.stop() ?? [],
      faults: await faults,
      broken: brokenPromises(report),
    }
  } finally {
    watch?.stop()
    await generator.stop()
  }
}

const latencyRow = (name: string, { p50, p95, p99, p999, max }: Latency) => [
  name,
  ...[p50, p95, p99, p999, max].map((value) => rounded(value)),
]

/** Processes of one name that did next to nothing share a row; the file has each. */
const sharedRows = (processes: readonly ProcessUsage[]): (string | number)[][] => {
  const isIdle = ({ cpuSeconds }: ProcessUsage) => cpuSeconds < 0.1
  const idle = new Map<string, ProcessUsage[]>()
  for (const usage of processes.filter(isIdle)) idle.set(usage.name, [...(idle.get(usage.name) ?? []), usage])
  const busy = processes.filter((usage) => !isIdle(usage))
  return [
    ...busy.map(({ name, cpuSeconds, peakRssMiB }) => [name, rounded(cpuSeconds, 2), peakRssMiB]),
    ...[...idle].map(([name, group]) => [
      group.length === 1 ? name : `${name} (${group.length} processes, the largest)`,
      rounded(
        group.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
        2,
      ),
      Math.max(...group.map(({ peakRssMiB }) => peakRssMiB)),
    ]),
  ]
}

const print = ({ rate, report, processes, faults, broken }: Measured): void => {
  const { totals, violations, stored } = report
  say('')
  say(`${rate} messages a second (${rate * 60} a minute)`)
  table(
    ['messages', 'count'],
    [
      ['sent', totals.sent],
      ['acknowledged', totals.acknowledged],
      ['refused', totals.refused],
      ['unanswered', report.unanswered],
      ['stored', stored.rows],
      ['deliveries', totals.delivered],
      ['lost', violations.lost],
      ['duplicated', violations.duplicated],
      ['out of order', violations.outOfOrder],
      ['seen in two orders', violations.disagreed],
      ['acknowledged, not stored', stored.missing],
      ['stored twice', stored.repeated],
      ['gaps in the store', stored.gaps],
      ['stored in another order', stored.differing],
    ],
  )
  say('')
  table(
    ['ms', 'p50', 'p95', 'p99', 'p99.9', 'max'],
    [
      latencyRow('publish to delivery', report.publishToDelivery),
      latencyRow('publish to acknowledgement', report.publishToAck),
      latencyRow('generator behind its schedule', report.sendDelay),
    ],
  )
  const worst = report.worstSeconds.map(
    ({ second, delivery, ack }) => `${second} s: ${rounded(delivery)} (${rounded(ack)})`,
  )
  say(`latest deliveries (acknowledgements), ms, by the second in which they were due: ${worst.join(', ')}`)
  say('')
  table(['process', 'CPU s', 'peak RSS MiB'], sharedRows(processes))
  const total = processes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
  say(`CPU of all: ${rounded(total)} s`)
  for (const { fault, at, readyAgainAt } of faults) {
    say(`at ${rounded(at)} s ${fault}, ready again at ${rounded(readyAgainAt)} s`)
  }
  if (sawTrouble(report)) say(`trouble that clients saw: ${JSON.stringify(report.troubles)}`)
  say(
    broken.length === 0
      ? 'every acknowledged message was delivered once to every subscriber and stored once, in one order'
      : `BROKEN: ${broken.join(', ')}`,
  )
}

const sawTrouble = (report: LoadReport): boolean => Object.keys(report.troubles).length > 0

const holds = ({ broken, report }: Measured) => broken.length === 0 && report.publishToDelivery.p99 <= boundMs

/** Grows by halves until a step fails, then halves the distance three times. */
const findMax = async (first: number, step: (rate: number) => Promise<Measured>): Promise<Measured[]> => {
  const steps: Measured[] = []
  let held = 0
  let failed: number | undefined
  for (let rate = first, refinements = 0; refinements <= 3;) {
    const measured = await step(rate)
    steps.push(measured)
    if (holds(measured)) held = rate
    else failed = rate
    if (failed !== undefined) refinements++
    rate = Math.round((failed === undefined ? rate * 1.5 : (held + failed) / 2) / 100) * 100
    if (rate <= held || rate === failed) break
  }
  return steps
}

/** The chat bench: a Veza of its own, a crowd, the load, a table and a file. @returns whether the promise was kept */
export const benchChat = async (options: ChatBench): Promise<boolean> => {
  const veza = await startOwnVeza('bench', { ...liftedLimits, LOG_LEVEL: 'warn' })
  // Given up half-way, it leaves nothing behind either.
  const giveUp = () => {
    void veza.stop().finally(() => process.exit(130))
  }
  process.once('SIGINT', giveUp).once('SIGTERM', giveUp)
  try {
    say(`registering ${people} people and joining ${options.sockets} sockets to ${options.rooms} rooms`)
    const crowd = await gatherCrowd(veza.endpoints.http, { ...options, people })
    const parts = await partsOf(veza, options)
    const step = async (rate: number) => {
      const measured = await measure(veza, parts, crowd, options, rate)
      print(measured)
      return measured
    }
    const steps = options.findMax ? await findMax(options.rate, step) : [await step(options.rate)]
    const best = steps.filter(holds).reduce((max, { rate }) => Math.max(max, rate), 0)
    if (options.findMax) {
      say('')
      table(
        ['messages/s', 'a minute', 'delivered p50', 'p99', 'acknowledged p50', 'p99', 'held'],
        [...steps]
          .sort((a, b) => a.rate - b.rate)
          .map((measured) => [
            measured.rate,
            measured.rate * 60,
            rounded(measured.report.publishToDelivery.p50),
            rounded(measured.report.publishToDelivery.p99),
            rounded(measured.report.publishToAck.p50),
            rounded(measured.report.publishToAck.p99),
            holds(measured) ? 'yes' : measured.broken.length === 0 ? 'too slow' : 'broken',
          ]),
      )
      say(`highest rate with nothing lost and p99 within ${boundMs} ms: ${best}/s, ${best * 60} a minute`)
    }
    writeResult('chat', { options, seed, boundMs, ...(options.findMax ? { highestRate: best } : {}), steps })
    return options.findMax ? best > 0 : steps.every(({ broken }) => broken.length === 0)
  } finally {
    process.off('SIGINT', giveUp).off('SIGTERM', giveUp)
    await veza.stop()
  }
}
