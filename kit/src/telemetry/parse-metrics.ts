/** One value of a process's metrics. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g
const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/

const unescaped = (text: string): string =>
  text.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))

/** Reads Prometheus's text format 0.0.4, as our processes write it. Lines that are none are left out. */
export const parseMetrics = (text: string): Sample[] =>
  text.split('\n').flatMap((row) => {
    const [, name, labels = '', value = ''] = line.exec(row) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(label)].map(([, key = '', said = '']) => [key, unescaped(said)])
    const number = value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value)
    return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: number }
  })

const named = (samples: readonly Sample[], name: string): readonly Sample[] =>
  samples.filter((sample) => sample.name === name)

/** The sum of all values of a name, whatever their labels; undefined: nobody says it. */
export const sumOf = (samples: readonly Sample[], name: string): number | undefined => {
  const found = named(samples, name)
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}

/** By how much a counter has risen. Of a process that began anew meanwhile: what it has counted since. */
export const riseOf = (before: number, after: number): number => (after < before ? after : after - before)

/** Cumulative counts by upper bound, over all label sets. */
const bucketsOf = (samples: readonly Sample[], name: string): Map<number, number> => {
  const buckets = new Map<number, number>()
  for (const { labels, value } of named(samples, `${name}_bucket`)) {
    const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le'])
    buckets.set(bound, (buckets.get(bound) ?? 0) + value)
  }
  return buckets
}

/**
 * A quantile of what a histogram was told between two looks at it, interpolated within its bucket as Prometheus does;
 * undefined: it was told nothing. What lies beyond the last bound is that bound.
 */
export const quantileBetween = (
  before: readonly Sample[],
  after: readonly Sample[],
  name: string,
  quantile: number,
): number | undefined => {
  const earlier = bucketsOf(before, name)
  const later = [...bucketsOf(after, name)].sort(([a], [b]) => a - b)
  const restarted = later.some(([bound, count]) => count < (earlier.get(bound) ?? 0))
  const counts = later.map(
    ([bound, count]) => [bound, count - (restarted ? 0 : (earlier.get(bound) ?? 0))] as const,
  )
  const total = counts.at(-1)?.[1] ?? 0
  if (total === 0) return undefined
  const rank = quantile * total
  let [lower, below] = [0, 0]
  for (const [bound, count] of counts) {
    if (count >= rank) {
      if (bound === Infinity) return lower
      return count === below ? bound : lower + ((bound - lower) * (rank - below)) / (count - below)
    }
    ;[lower, below] = [bound, count]
  }
  return lower
}
