import { build, type Histogram } from 'hdr-histogram-js'
import { type Latency } from './plan.ts'

/** An empty histogram of microseconds. */
export const histogram = (): Histogram =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 })

/** Of a histogram of microseconds. */
export const latency = (values: Histogram): Latency => {
  const at = (percentile: number) => values.getValueAtPercentile(percentile) / 1000
  return { p50: at(50), p95: at(95), p99: at(99), p999: at(99.9), max: values.maxValue / 1000 }
}
