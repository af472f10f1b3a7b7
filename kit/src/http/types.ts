import { type Logger } from '../log/index.ts'
import { type Telemetry } from '../telemetry/index.ts'

/** What createApi needs. */
export interface ApiOptions {
  readonly log: Logger
  readonly telemetry: Pick<Telemetry, 'tracer' | 'meter'>
  /** Larger request bodies are refused with 413. Bytes, 64 KiB unless given. */
  readonly bodyLimit?: number
}

/** What the edge gives to handlers. */
export interface EdgeEnv {
  Variables: {
    /** The request's trace, 32 hexadecimal digits. Undefined before the edge ran. */
    traceId: string | undefined
  }
}
