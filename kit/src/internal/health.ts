import { messageOf } from '../log/index.ts'

/** Says what is wrong in a few words, or undefined when all is well. Throwing counts as wrong. */
export type Check = () => string | undefined | Promise<string | undefined>

/** What fails, by the name of its check. Empty = all is well. */
export type HealthReport = Readonly<Record<string, string>>

/** A process's health, asked by probes. */
export interface Health {
  /** Adds a check to /readyz: may traffic come here? */
  readonly ready: (name: string, check: Check) => void
  /** Adds a check to /livez: would a restart help? */
  readonly live: (name: string, check: Check) => void
  /** Turns readiness off for good: the process is stopping. */
  readonly drain: () => void
  readonly readiness: () => Promise<HealthReport>
  readonly liveness: () => Promise<HealthReport>
}

const outcome = async (check: Check, timeoutMs: number): Promise<string | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      resolve(`no answer in ${timeoutMs} ms`)
    }, timeoutMs)
  })
  try {
    return await Promise.race([check(), late])
  } catch (error) {
    return messageOf(error)
  } finally {
    clearTimeout(timer)
  }
}

const run = async (checks: ReadonlyMap<string, Check>, timeoutMs: number): Promise<HealthReport> => {
  const outcomes = await Promise.all(
    [...checks].map(async ([name, check]) => [name, await outcome(check, timeoutMs)] as const),
  )
  return Object.fromEntries(
    outcomes.filter((entry): entry is readonly [string, string] => entry[1] !== undefined),
  )
}

/** @param timeoutMs a check that takes longer counts as failed; below the probe's own time-out */
export const createHealth = ({ timeoutMs = 800 }: { timeoutMs?: number } = {}): Health => {
  const readyChecks = new Map<string, Check>()
  const liveChecks = new Map<string, Check>()
  let draining = false
  return {
    ready: (name, check) => void readyChecks.set(name, check),
    live: (name, check) => void liveChecks.set(name, check),
    drain() {
      draining = true
    },
    readiness: () => (draining ? Promise.resolve({ process: 'stopping' }) : run(readyChecks, timeoutMs)),
    liveness: () => run(liveChecks, timeoutMs),
  }
}
