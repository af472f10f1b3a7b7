import { type Veza } from '@veza/deploy/launcher'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { inParallel, type Person, register } from '../support/api.ts'
import { seeded } from '../support/random.ts'
import { startOwnVeza } from '../stack/veza.ts'
import { rounded, say, table, writeResult } from './output.ts'
import { type ProcessUsage, watchProcesses } from './processes.ts'

/** What is asked of the HTTP bench. */
export interface HttpBench {
  /** Requests a second, all kinds together, started on time whether the ones before are answered or not. */
  readonly rate: number
  readonly seconds: number
}

const people = 100
const signIns = 200
const warmupSeconds = 10
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

// Not fetch: it costs the load generator three times as much, on the cores that are measured.
const agent = new Agent({ keepAlive: true })

/** A request over a connection that is kept. */
export const send = (
  base: string,
  method: string,
  path: string,
  { token, body }: { token?: string; body?: unknown },
): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const content = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(content !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(content),
      }),
    }
    request(`${base}${encodeURI(path)}`, { agent, method, headers }, (response) => {
      text(response).then((body) => {
        resolve({ status: response.statusCode ?? 0, body })
      }, reject)
    })
      .on('error', reject)
      .end(content)
  })

export const statusOf = async (answer: ReturnType<typeof send>): Promise<number> => (await answer).status
export const as = ({ person: { token } }: Caller) => ({ token })

const kinds: readonly Kind[] = [
  {
    name: 'GET /v1/users/me',
    share: 40,
    run: (http, caller) => statusOf(send(http, 'GET', '/v1/users/me', as(caller))),
  },
  {
    name: 'GET /v1/users/:id',
    share: 30,
    run: (http, caller, other) => statusOf(send(http, 'GET', `/v1/users/${other.person.id}`, as(caller))),
  },
  {
    name: 'PATCH /v1/users/me',
    share: 10,
    run: (http, caller, _, n) =>
      statusOf(send(http, 'PATCH', '/v1/users/me', { ...as(caller), body: { bio: `bio ${n}` } })),
  },
  {
    name: 'GET /v1/users?q=',
    share: 10,
    run: (http, caller, _, n) => statusOf(send(http, 'GET', `/v1/users?q=person ${n % people}`, as(caller))),
  },
  {
    name: 'POST /v1/auth/refresh',
    share: 10,
    async run(http, caller) {
      caller.isRefreshing = true
      try {
        const body = { refreshToken: caller.person.refreshToken }
        const answer = await send(http, 'POST', '/v1/auth/refresh', { body })
        if (answer.status !== 200) return answer.status
        const { accessToken: token, refreshToken } = JSON.parse(answer.body) as Record<
          'accessToken' | 'refreshToken',
          string
        >
        caller.person = { ...caller.person, token, refreshToken }
        return 200
      } finally {
        caller.isRefreshing = false
      }
    },
  },
]

interface Figures {
  readonly name: string
  readonly requests: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const quantile = (sorted: readonly number[], q: number): number =>
  rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0)

const figuresOf = (name: string, latencies: readonly number[], failed: number): Figures => {
  const sorted = latencies.toSorted((one, other) => one - other)
  const [p50, p99, max] = [quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1)]
  return { name, requests: latencies.length, failed, p50, p99, max }
}

/** Sends a mix at a rate. Latency is from when a request was due: one that had to wait for the sender is not forgiven. */
export const load = async (
  http: string,
  callers: readonly Caller[],
  o: { rate: number; seconds: number; mix: readonly Kind[]; isOver?: () => boolean },
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
  for (let n = 0; n < o.rate * o.seconds && o.isOver?.() !== true; n++) {
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
    ['request', 'requests', 'failed', 'p50 ms', 'p99 ms', 'max ms'],
    figures.map(({ name, requests, failed, p50, p99, max }) => [name, requests, failed, p50, p99, max]),
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

/** Watches all that runs, and this process. */
export const watch = (veza: Veza) =>
  watchProcesses([
    ...Object.entries(veza.processes).map(([name, child]) => ({ name, pid: () => child.pid })),
    ...Object.entries(veza.infrastructure).map(([name, child]) => ({
      ...{ name, pid: () => child.pid, withChildren: name === 'postgres' },
    })),
    { name: 'load generator', pid: () => process.pid },
  ])

/** Everybody signs in at once; meanwhile others read. */
const storm = async (http: string, callers: readonly Caller[], password: string) => {
  const statuses = new Map<number, number>()
  let isOver = false
  const reads = load(http, callers, { rate: 100, seconds: 60, mix: kinds.slice(0, 1), isOver: () => isOver })
  await delay(1_000)
  await Promise.all(
    Array.from({ length: signIns }, async (_, n) => {
      const email = callers[n % callers.length]?.email
      const { status } = await send(http, 'POST', '/v1/auth/login', { body: { email, password } })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }),
  )
  await delay(1_000)
  isOver = true
  return { statuses: Object.fromEntries(statuses), reads: await reads }
}

/** @returns whether nothing failed */
export const benchHttp = async ({ rate, seconds }: HttpBench): Promise<boolean> => {
  const veza = await startOwnVeza('bench', { USERS_EXPORT_PAUSE: '1h', ATTEMPTS_PER_ADDRESS: '1000000' })
  try {
    const { http } = veza.endpoints
    const password = 'correct horse battery 7'
    const callers = await inParallel(4, Array.from({ length: people }), async (_, n): Promise<Caller> => {
      const email = `bench-${n}@example.org`
      const person = await register(http, `Person ${n}`, { email, password })
      await send(http, 'GET', '/v1/users/me', { token: person.token })
      return { person, email, isRefreshing: false }
    })
    say(`${people} people; warming up for ${warmupSeconds} s`)
    await load(http, callers, { rate, seconds: warmupSeconds, mix: kinds })
    const first = watch(veza)
    const mixed = await load(http, callers, { rate, seconds, mix: kinds })
    const mixedUsage = first.stop()
    say(`\n${rate} requests a second for ${seconds} s`)
    print(mixed)
    printProcesses(mixedUsage, seconds)

    const second = watch(veza)
    const began = performance.now()
    const { statuses, reads } = await storm(http, callers, password)
    const stormSeconds = (performance.now() - began) / 1000
    const stormUsage = second.stop()
    say(`\n${signIns} sign-ins at once: ${JSON.stringify(statuses)}; meanwhile 100 reads a second`)
    print(reads)
    printProcesses(stormUsage, stormSeconds)
    writeResult('http', { rate, seconds, mixed, mixedUsage, signIns: statuses, reads, stormUsage })
    return [...mixed, ...reads].every(({ failed }) => failed === 0)
  } finally {
    await veza.stop()
  }
}
