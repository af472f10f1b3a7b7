import { askProcess, type ProcessReport } from '@veza/kit/internal'
import { type GroupState, type Kafka } from '@veza/kit/kafka'
import { quantileBetween, riseOf, type Sample, sumOf } from '@veza/kit/telemetry'
import { deadLetterTopics } from '../domain/dead-letter.ts'

/** A process of Veza, as it says of itself. */
export interface ProcessStatus {
  readonly name: string
  /** By what it measures: an edge of either kind, or a worker. null: it never answered. */
  readonly kind: 'http' | 'websocket' | 'worker' | null
  readonly state: 'ready' | 'not-ready' | 'away'
  /** What fails, by the name of its check. */
  readonly failing: Readonly<Record<string, string>>
  readonly upSeconds: number | null
  /** Of one core, since the look before. */
  readonly cpu: number | null
  readonly memoryBytes: number | null
}

/** A consumer group, and what it could not handle. */
export type GroupStatus = GroupState & {
  /** Over all topics; null: it has committed nothing yet. */
  readonly lag: number | null
  /** Records in its dead-letter topic, redriven ones among them. */
  readonly deadLetters: number
}

/** All that is known of Veza at a moment; null: it is not known. Rates are over the time since the look before. */
export interface Status {
  readonly at: Date
  readonly overSeconds: number | null
  readonly processes: readonly ProcessStatus[]
  /** null: Kafka does not answer. */
  readonly groups: readonly GroupStatus[] | null
  readonly messagesPerSecond: number | null
  readonly sockets: number | null
  /** From an event being posted to its handing over to the sockets, seconds; null: there was none. */
  readonly delivery: { readonly p50: number | null; readonly p99: number | null }
  readonly transcodes: { readonly waiting: number | null; readonly running: number | null }
}

/** What was seen at a moment. */
interface Look {
  readonly at: number
  /** By name; undefined: it did not answer. */
  readonly reports: ReadonlyMap<string, ProcessReport | undefined>
  readonly groups: readonly GroupStatus[] | null
}

const kindOf = (samples: readonly Sample[]): ProcessStatus['kind'] => {
  if (sumOf(samples, 'ws_connections') !== undefined) return 'websocket'
  const serves = samples.some(({ name }) => name === 'http_server_request_duration_seconds_count')
  const works = samples.some(({ name }) => name === 'kafka_consumergroup_lag')
  return serves && !works ? 'http' : 'worker'
}

/** How much a counter of a process rose a second; undefined: not known. */
const rateOf = (
  before: Look | undefined,
  now: Look,
  process: string,
  counter: string,
): number | undefined => {
  const earlier = sumOf(before?.reports.get(process)?.samples ?? [], counter)
  const later = sumOf(now.reports.get(process)?.samples ?? [], counter)
  if (before?.reports.get(process) === undefined || later === undefined) return undefined
  return riseOf(earlier ?? 0, later) / ((now.at - before.at) / 1000)
}

const processStatus = (name: string, before: Look | undefined, now: Look): ProcessStatus => {
  const report = now.reports.get(name)
  const known = report ?? before?.reports.get(name)
  const kind = known === undefined ? null : kindOf(known.samples)
  if (report === undefined)
    return { name, kind, state: 'away', failing: {}, upSeconds: null, cpu: null, memoryBytes: null }
  const { samples, failing } = report
  return {
    ...{ name, kind, failing, state: Object.keys(failing).length === 0 ? 'ready' : 'not-ready' },
    upSeconds: sumOf(samples, 'process_uptime_seconds') ?? null,
    cpu: rateOf(before, now, name, 'process_cpu_time_seconds_total') ?? null,
    memoryBytes: sumOf(samples, 'process_memory_usage_bytes') ?? null,
  }
}

/** The sum of what is known; null: nothing is. */
const total = (numbers: readonly (number | undefined)[]): number | null => {
  const known = numbers.filter((number) => number !== undefined)
  return known.length === 0 ? null : known.reduce((sum, number) => sum + number, 0)
}

const toStatus = (before: Look | undefined, now: Look): Status => {
  const names = [...now.reports.keys()]
  const samplesOf = (look: Look | undefined): Sample[] =>
    names.flatMap((name) => look?.reports.get(name)?.samples ?? [])
  const [earlier, later] = [samplesOf(before), samplesOf(now)]
  const quantile = (of: number): number | null =>
    before === undefined ? null : (quantileBetween(earlier, later, 'event_to_socket_seconds', of) ?? null)
  const settled = total(names.map((name) => rateOf(before, now, name, 'chat_commands_settled_total')))
  // Who has counted nothing yet does not name the counter.
  const isWhole = names.every((name) => now.reports.get(name) !== undefined)
  return {
    at: new Date(now.at),
    overSeconds: before === undefined ? null : (now.at - before.at) / 1000,
    processes: names.map((name) => processStatus(name, before, now)),
    groups: now.groups,
    messagesPerSecond: settled ?? (before !== undefined && isWhole ? 0 : null),
    sockets: sumOf(later, 'ws_connections') ?? null,
    delivery: { p50: quantile(0.5), p99: quantile(0.99) },
    transcodes: {
      waiting: sumOf(later, 'transcode_jobs_waiting') ?? null,
      running: sumOf(later, 'transcode_jobs_running') ?? null,
    },
  }
}

const readGroups = async (kafka: Pick<Kafka, 'admin'>): Promise<GroupStatus[]> => {
  const [groups, held] = await Promise.all([
    kafka.admin.groups(),
    kafka.admin.rangesOf([...deadLetterTopics.values()]),
  ])
  // Those that edges tail with are theirs alone, and commit nothing.
  const shared = groups.filter(({ group, topics }) => topics.length > 0 || deadLetterTopics.has(group))
  return shared.map((state) => {
    const letters = held.get(deadLetterTopics.get(state.group) ?? '') ?? []
    return {
      ...state,
      lag: state.topics.length === 0 ? null : state.topics.reduce((sum, { lag }) => sum + lag, 0),
      deadLetters: letters.reduce((sum, { first, end }) => sum + end - first, 0),
    }
  })
}

/** Whoever asks within it is told the same: any number of pages costs what one does. */
const freshMs = 1_000

/**
 * Looks at every process and at Kafka when somebody asks, and only then. Nothing that is away keeps it from telling the rest.
 *
 * @param deps.now milliseconds; the system's clock unless given
 */
export const watchStatus = (deps: {
  readonly processes: readonly { readonly name: string; readonly url: string }[]
  readonly kafka: Pick<Kafka, 'admin'>
  readonly now?: () => number
}): (() => Promise<Status>) => {
  const { processes, kafka, now = Date.now } = deps
  let last: Look | undefined
  let answer: { readonly at: number; readonly status: Promise<Status> } | undefined
  const look = async (): Promise<Status> => {
    const asked = processes.map(async ({ name, url }) => [name, await askProcess(url)] as const)
    const [reports, groups] = await Promise.all([Promise.all(asked), readGroups(kafka).catch(() => null)])
    const seen: Look = { at: now(), reports: new Map(reports), groups }
    const status = toStatus(last, seen)
    last = seen
    return status
  }
  return () => {
    if (answer === undefined || now() - answer.at >= freshMs) answer = { at: now(), status: look() }
    return answer.status
  }
}
