import { type Latency } from '../load/plan.ts'
import { type Helper, startHelper } from './helper.ts'

/** A socket: who it is, and the channel that it follows, if any. */
export interface Seat {
  readonly token: string
  readonly channel?: string
}

/** What the audience's process is told. */
export type AudienceOrder =
  | { readonly type: 'open'; readonly url: string; readonly seats: readonly Seat[] }
  | { readonly type: 'count' }

/** What has come since the start; `delay`, in ms, of every hundredth socket and since the last count. */
export interface Counts {
  /** Lines that are no pings, replies among them. */
  readonly messages: number
  /** Publications whose offset was not the last one's plus 1. */
  readonly disordered: number
  /** Connections that were lost. */
  readonly closed: number
  /** From `postedAt` to arrival. */
  readonly delay: Latency
}

/** What it answers. */
export type AudienceNews =
  | { readonly type: 'open'; readonly sockets: number }
  | ({ readonly type: 'counts' } & Counts)
  | { readonly type: 'failed'; readonly reason: string }

/** Sockets that listen, in a process of their own. */
export interface Audience {
  readonly pid: number
  /** Opens more sockets; resolves when all are subscribed. */
  open(url: string, seats: readonly Seat[]): Promise<void>
  count(): Promise<Counts>
  stop(): Promise<void>
}

/** @returns an audience without sockets */
export const gatherAudience = (): Audience => {
  const helper: Helper<AudienceOrder, AudienceNews> = startHelper('audience-process.ts')
  const ask = async <T extends AudienceNews['type']>(order: AudienceOrder, type: T) => {
    const news = await helper.ask(order)
    if (news.type === 'failed') throw new Error(`the audience failed: ${news.reason}`)
    if (news.type !== type) throw new Error(`the audience answered with ${news.type}`)
    return news as Extract<AudienceNews, { type: T }>
  }
  return {
    pid: helper.pid,
    async open(url, seats) {
      await ask({ type: 'open', url, seats }, 'open')
    },
    count: () => ask({ type: 'count' }, 'counts'),
    stop: () => helper.stop(),
  }
}
