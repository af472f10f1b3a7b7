import { rounded } from './output.ts'

/** What a process measured of itself, milliseconds. */
export interface ServerSide {
  readonly requests: number
  /** All but one in a hundred took at most this long, from the request's head to the answer; a bucket's bound. */
  readonly p99AtMost: number
  /** How late its event loop was with timers, and therefore with everything. */
  readonly loopP99: number
  readonly loopMax: number
}

type Buckets = ReadonlyMap<number, number>

const collect = async (metrics: string): Promise<{ buckets: Buckets; text: string }> => {
  const text = await (await fetch(metrics)).text()
  const buckets = new Map<number, number>()
  for (const [, bound, count] of text.matchAll(
    /^http_server_request_duration_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\d+)/gm,
  )) {
    const key = bound === '+Inf' ? Infinity : Number(bound)
    buckets.set(key, (buckets.get(key) ?? 0) + Number(count))
  }
  return { buckets, text }
}

/**
 * Looks at a process's own figures: beside those of a client they tell whose time it was.
 *
 * @param metrics address of its Prometheus page, which is not to be asked by others meanwhile
 */
export const watchServer = async (metrics: string) => {
  const { buckets: before } = await collect(metrics)
  return {
    async stop(): Promise<ServerSide> {
      const { buckets, text } = await collect(metrics)
      const since = [...buckets]
        .map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const)
        .toSorted(([one], [other]) => one - other)
      const requests = since.at(-1)?.[1] ?? 0
      const [bound = Infinity] = since.find(([, count]) => count >= 0.99 * requests) ?? []
      const gauge = (name: string) =>
        rounded(1000 * Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]))
      return {
        requests,
        p99AtMost: 1000 * bound,
        loopP99: gauge('nodejs_eventloop_delay_p99_seconds'),
        loopMax: gauge('nodejs_eventloop_delay_max_seconds'),
      }
    },
  }
}
