/**
 * Heights of `count` bars, 0 to 1, of the lowest and highest samples of stretches (BBC audiowaveform: pairs of 8 bits).
 * Without samples all are low.
 */
export const barsOf = (data: readonly number[], count: number): number[] => {
  const pairs = data.length / 2
  const peaks = Array.from({ length: count }, (_, bar) => {
    let peak = 0
    const from = Math.floor((bar * pairs) / count)
    const to = Math.max(from + 1, Math.floor(((bar + 1) * pairs) / count))
    for (let at = from; at < to && at < pairs; at++)
      peak = Math.max(peak, (data[at * 2 + 1] ?? 0) - (data[at * 2] ?? 0))
    return peak
  })
  const loudest = Math.max(1, ...peaks)
  return peaks.map((peak) => peak / loudest)
}
