/** The load generator in a process of its own: its collections of garbage are as short as its heap is small. */
import { type Caller, type Figures, load } from './http-load.ts'
import { kinds } from './http-mix.ts'

/** What the generator is told. */
export interface LoadOrder {
  /** Base URL. */
  readonly http: string
  /** Who calls: told once. */
  readonly callers?: readonly Caller[]
  /** Requests a second. */
  readonly rate: number
  readonly seconds: number
  /** Nothing but the first kind of the mix. */
  readonly readsOnly: boolean
}

let callers: readonly Caller[] = []

process.on('message', ({ http, callers: told = callers, rate, seconds, readsOnly }: LoadOrder) => {
  callers = told
  const mix = readsOnly ? kinds.slice(0, 1) : kinds
  void load(http, callers, { rate, seconds, mix }).then((figures: Figures[]) => process.send?.(figures))
})
