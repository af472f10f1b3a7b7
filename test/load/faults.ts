import { setTimeout as delay } from 'node:timers/promises'
import { type Veza } from '@veza/deploy/launcher'
import { seeded } from '../support/random.ts'

/** Something that goes wrong: `worker` = chat-fanout is killed with -9 and started again, `kafka` = Kafka is restarted. */
export type Fault = 'worker' | 'kafka'

/** A fault that happened, seconds from the start of the run. */
export interface FaultRecord {
  readonly fault: Fault
  readonly at: number
  readonly readyAgainAt: number
}

// Between a recovery and the next fault: some messages should have passed.
const calmSeconds = 3

/**
 * Makes the faults happen one after the other, each at a random moment of its share of the first `seconds`. A late
 * recovery moves the next one back.
 */
export const makeFaults = async (
  veza: Veza,
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
    if (fault === 'kafka') await veza.infrastructure.kafka?.restart()
    else {
      await veza.processes['chat-fanout'].kill('SIGKILL')
      await veza.processes['chat-fanout'].restart()
    }
    records.push({ fault, at, readyAgainAt: elapsed() })
  }
  return records
}
