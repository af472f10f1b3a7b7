import { type LedgerTotals, type Violations } from './ledger.ts'

/** What the generator is to do. Sent to its process as it is. */
export interface LoadPlan {
  /** WebSocket endpoints. Sockets begin with them in turn, and go to the next when a connection is lost. */
  readonly edges: readonly string[]
  /** Base of the HTTP API, for history. */
  readonly http: string
  /** Chat's database, to compare what is stored. */
  readonly databaseUrl: string
  /** Room ids. */
  readonly rooms: readonly string[]
  /** One subscriber each: whose token, and which of the rooms. Its user is a member already. */
  readonly sockets: readonly { readonly token: string; readonly room: number }[]
  /** Messages a second, over all sockets in turn. */
  readonly rate: number
  /** How long it is measured. */
  readonly seconds: number
  /** Before that: sent, checked and not measured. */
  readonly warmupSeconds: number
  readonly bodyCharacters: number
  /** How long what is still missing is waited for. */
  readonly settleSeconds: number
  /** Sockets that are cut, one by one at random while it runs. */
  readonly cuts: number
  /** So many of the sockets, evenly over them, are the published SDK. */
  readonly sdks?: number
  /** The first so many sockets lose their connection and come back, all at once, in the middle of what is measured. */
  readonly storm?: number
  /** How likely a publish that is unanswered when its connection is lost is given up instead of repeated. */
  readonly abandons?: number
  readonly seed: number
}

/** Milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** The store compared with what was acknowledged and with what subscribers saw. All but `rows` should be 0. */
export interface StoredReport {
  readonly rows: number
  /** Acknowledged and not stored. */
  readonly missing: number
  /** Stored more than once. */
  readonly repeated: number
  /** Offsets or message numbers that are not their predecessor's plus 1. */
  readonly gaps: number
  /** Rows that subscribers saw at another offset. */
  readonly differing: number
  /** Rows of messages that were given up unanswered and have not reached every subscriber. */
  readonly half: number
}

/** The latest delivery and acknowledgement of what was due in a second, ms. A delivery alone is late behind the broker. */
export interface WorstSecond {
  readonly second: number
  readonly delivery: number
  readonly ack: number
}

/** Many that come back at once, and what the others feel of it. */
export interface StormReport {
  readonly sockets: number
  /** Milliseconds until the last was subscribed again; undefined = not all came back. */
  readonly backAfterMs: number | undefined
  /** Of the other sockets, for what came from the first cut to the last return. */
  readonly othersDelivery: Latency
  readonly othersAck: Latency
}

export interface LoadReport {
  readonly totals: LedgerTotals
  readonly violations: Violations
  readonly stored: StoredReport
  /** Neither acknowledged nor refused at the end. */
  readonly unanswered: number
  /** Publishes that were repeated after a temporary error. */
  readonly retries: number
  readonly reconnects: number
  /** Subscriptions that could not be continued where they stood, and read history instead. */
  readonly unrecovered: number
  /** From the moment at which a message was due by the rate to its arrival, each subscriber counted. */
  readonly publishToDelivery: Latency
  /** From the moment at which it was due to its acknowledgement. */
  readonly publishToAck: Latency
  /** How far behind the rate the generator itself sent. */
  readonly sendDelay: Latency
  /** The seconds of the measured time with the latest deliveries, the worst first: one stall, or many. */
  readonly worstSeconds: readonly WorstSecond[]
  /** How the storm went; undefined = there was none. */
  readonly storm?: StormReport
  /** From the last message's due time until all that was owed had arrived. */
  readonly settledAfterMs: number
  /** Trouble by kind, with how often. */
  readonly troubles: Readonly<Record<string, number>>
}

/** What the generator's process says. */
export type LoadNews =
  | { readonly type: 'connected' }
  | ({ readonly type: 'progress'; readonly second: number; readonly owed: number } & LedgerTotals)
  | { readonly type: 'report'; readonly report: LoadReport }
  | { readonly type: 'failed'; readonly reason: string }

/** Everything that must be 0 for the run to have kept the promise, those that are not. Empty = kept. */
export const brokenPromises = (report: LoadReport): string[] => {
  const { missing, repeated, gaps, differing, half } = report.stored
  const counts = {
    ...report.violations,
    missing,
    repeated,
    gaps,
    differing,
    'half stored': half,
    unanswered: report.unanswered,
    refused: report.totals.refused,
  }
  return Object.entries(counts)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name}: ${count}`)
}
