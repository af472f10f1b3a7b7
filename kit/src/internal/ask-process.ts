import { z } from 'zod'
import { parseMetrics, type Sample } from '../telemetry/index.ts'
import { type HealthReport } from './health.ts'

/** What a process says of itself at its internal listener. */
export interface ProcessReport {
  /** What keeps it from serving; empty: nothing. */
  readonly failing: HealthReport
  readonly samples: readonly Sample[]
}

const unready = z.object({ failing: z.record(z.string(), z.string()) })

/**
 * Asks /readyz and /metrics. Resolves to undefined when it does not answer, which is as much of an answer.
 *
 * @param url base of its internal listener
 */
export const askProcess = async (url: string, timeoutMs = 1_500): Promise<ProcessReport | undefined> => {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const [readiness, metrics] = await Promise.all([
      fetch(`${url}/readyz`, { signal }),
      fetch(`${url}/metrics`, { signal }),
    ])
    if (!metrics.ok) return undefined
    const said: unknown = await readiness.json()
    const failing = readiness.ok ? {} : unready.parse(said).failing
    return { failing, samples: parseMetrics(await metrics.text()) }
  } catch {
    return undefined
  }
}
