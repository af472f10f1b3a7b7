import { setTimeout as delay } from 'node:timers/promises'
import { type Child } from '@veza/deploy/launcher'
import { between, type Random, seeded } from '../support/random.ts'

/**
 * Something that goes wrong with a part of the stack: `kill` = SIGKILL, and started again; `restart` = in an orderly way;
 * `pause` = SIGSTOP for some seconds, as a machine that swaps or a host that moves.
 */
export type Fault = `${'kill' | 'restart' | 'pause'} ${string}`

/** A fault that happened, seconds from the start of the run. */
export interface FaultRecord {
  readonly fault: Fault
  readonly at: number
  readonly readyAgainAt: number
}

// Between a recovery and the next fault: some messages should have passed.
const calmSeconds = 3
// Beyond the 10 s after which a broker takes a member for lost.
const longestPauseSeconds = 12

const strike = async (fault: Fault, parts: ReadonlyMap<string, Child>, random: Random): Promise<void> => {
  const [how, name = ''] = fault.split(' ')
  const part = parts.get(name)
  if (part === undefined) throw new Error(`there is no ${name} to ${fault}`)
  if (how === 'pause') {
    await part.kill('SIGSTOP')
    await delay(between(random, 1, longestPauseSeconds) * 1000)
    await part.kill('SIGCONT')
    return
  }
  if (how === 'kill') {
    await part.kill('SIGKILL')
    await delay(between(random, 0, 2000))
  }
  await part.restart()
}

/** Faults drawn at random, one for each eight seconds or so: kills and pauses of all parts. */
export const drawFaults = (parts: readonly string[], seconds: number, seed: number): Fault[] => {
  const random = seeded(seed)
  return Array.from({ length: Math.max(3, Math.floor(seconds / 8)) }, (): Fault => {
    const part = parts[between(random, 0, parts.length - 1)] ?? ''
    return random() < 0.6 ? `kill ${part}` : `pause ${part}`
  })
}

/**
 * Makes the faults happen one after the other, each at a random moment of its share of the first `seconds`. A late
 * recovery moves the next one back, and what could not begin within them does not happen.
 */
export const makeFaults = async (
  parts: ReadonlyMap<string, Child>,
  faults: readonly Fault[],
  seconds: number,
  seed: number,
): Promise<FaultRecord[]> => {
  const random = seeded(seed)
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  const records: FaultRecord[] = []
  for (const [index, fault] of faults.entries()) {
    const dueAt = ((index + 0.2 + random() * 0.6) * seconds) / faults.length
    const calmUntil = (records.at(-1)?.readyAgainAt ?? 0) + calmSeconds
    await delay(Math.max(0, Math.max(dueAt, calmUntil) - elapsed()) * 1000)
    const at = elapsed()
    if (at > seconds) break
    await strike(fault, parts, random)
    records.push({ fault, at, readyAgainAt: elapsed() })
  }
  return records
}
