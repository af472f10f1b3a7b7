import { setTimeout as delay } from 'node:timers/promises'
import { type Person } from '../support/api.ts'
import { seeded } from '../support/random.ts'
import { rounded, table } from './output.ts'
import { type ProcessUsage } from './processes.ts'

const seed = 20_261_124

/** Somebody who is signed in. */
export interface Caller {
  person: Person
  readonly email: string
  /** A refresh token is exchanged once: of two exchanges under way the later answer may be the older token. */
  isRefreshing: boolean
}

/** A kind of request, and how many in a hundred are of it. */
export interface Kind {
  readonly name: string
  readonly share: number
  readonly run: (http: string, caller: Caller, other: Caller, n: number) => Promise<number>
}

/** Of one kind of request; times in milliseconds. */
export interface Figures {
  readonly name: string
  readonly requests: number
  readonly failed: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

const quantile = (sorted: readonly number[], q: number): number =>
  rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0)

const figuresOf = (name: string, latencies: readonly number[], failed: number): Figures => {
  const sorted = latencies.toSorted((one, other) => one - other)
  const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((q) => quantile(sorted, q)) as [
    number,
    number,
    number,
    number,
  ]
  return { name, requests: latencies.length, failed, p50, p95, p99, max }
}

/** Sends a mix at a rate. Latency is from when a request was due: one that had to wait for the sender is not forgiven. */
export const load = async (
  http: string,
  callers: readonly Caller[],
  o: { rate: number; seconds: number; mix: readonly Kind[] },
): Promise<Figures[]> => {
  const random = seeded(seed)
  const wheel = o.mix.flatMap((kind) => Array.from({ length: kind.share }, () => kind))
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const results = new Map(o.mix.map(({ name }) => [name, { latencies: [] as number[], failed: 0 }]))
  const underWay: Promise<void>[] = []
  const started = performance.now()
  let turn = 0
  const nextToRefresh = (): Caller | undefined =>
    callers
      .map((_, index) => callers[(turn + index) % callers.length])
      .find((one) => one?.isRefreshing === false)
  for (let n = 0; n < o.rate * o.seconds; n++) {
    const due = started + (n * 1000) / o.rate
    const early = due - performance.now()
    if (early > 1) await delay(early)
    const kind = pick(wheel)
    const caller = kind.name.endsWith('refresh') ? nextToRefresh() : pick(callers)
    turn++
    const result = results.get(kind.name)
    if (caller === undefined || result === undefined) continue
    const take = (isGood: boolean): void => {
      if (!isGood) result.failed++
      result.latencies.push(performance.now() - due)
    }
    underWay.push(
      kind.run(http, caller, pick(callers), n).then(
        (status) => {
          take(status === 200)
        },
        () => {
          take(false)
        },
      ),
    )
  }
  await Promise.all(underWay)
  return [...results].map(([name, { latencies, failed }]) => figuresOf(name, latencies, failed))
}

export const print = (figures: readonly Figures[]): void => {
  table(
    ['request', 'requests', 'failed', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
    figures.map(({ name, requests, failed, p50, p95, p99, max }) => [
      name,
      requests,
      failed,
      p50,
      p95,
      p99,
      max,
    ]),
  )
}

export const printProcesses = (processes: readonly ProcessUsage[], seconds: number): void => {
  table(
    ['process', 'CPU %', 'peak MiB'],
    processes
      .filter(({ cpuSeconds }) => cpuSeconds >= 0.1)
      .map(({ name, cpuSeconds, peakRssMiB }) => [name, rounded((100 * cpuSeconds) / seconds), peakRssMiB]),
  )
}
