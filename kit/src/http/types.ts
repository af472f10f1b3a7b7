import { type Logger } from '../log/index.ts'
import { type Telemetry } from '../telemetry/index.ts'

/** What createApi needs. */
export interface ApiOptions {
  readonly log: Logger
  readonly telemetry: Pick<Telemetry, 'tracer' | 'meter'>
  /** Larger request bodies are refused with 413. Bytes, 64 KiB unless given. */
  readonly bodyLimit?: number
  /** Of single routes, by method and path, ids left out (`PUT /v1/tracks/:id/cover`); bytes. */
  readonly bodyLimits?: Readonly<Record<string, number>>
  /** Paths, with all below them, whose handlers read the body themselves, within limits of their own. */
  readonly streamedBodies?: readonly string[]
  /** Proxies in front of us, each of which appends to X-Forwarded-For. 0 unless given: the header is not believed. */
  readonly trustedProxies?: number
}

/** What the edge gives to handlers. */
export interface EdgeEnv {
  Variables: {
    /** The request's trace, 32 hexadecimal digits. Undefined before the edge ran. */
    traceId: string | undefined
    /** The client's network address; undefined when there is no connection, as in tests that call the app itself. */
    clientAddress: string | undefined
  }
}
