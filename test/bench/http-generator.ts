/** The load generator in a process of its own: its collections of garbage are as short as its heap is small. */
import { type Caller, type Figures, type Kind, load } from './http-load.ts'
import { peopleMix } from './http-mix.ts'
import { tracksMix } from './tracks-mix.ts'

/** What the generator is told. */
export interface LoadOrder {
  /** Base URL. */
  readonly http: string
  /** Who calls: told once. */
  readonly callers?: readonly Caller[]
  /** Of tracks that all may find: told once, for queries of tracks. */
  readonly trackIds?: readonly string[]
  /** Requests a second. */
  readonly rate: number
  readonly seconds: number
  /** `reads`: nothing but the first kind of `people`. */
  readonly mix: 'people' | 'reads' | 'tracks'
}

let callers: readonly Caller[] = []
let trackIds: readonly string[] = []

const mixes: Readonly<Record<LoadOrder['mix'], () => readonly Kind[]>> = {
  people: () => peopleMix,
  reads: () => peopleMix.slice(0, 1),
  tracks: () => tracksMix(trackIds),
}

process.once('disconnect', () => process.exit(0))
process.on('message', ({ http, rate, seconds, mix, ...told }: LoadOrder) => {
  callers = told.callers ?? callers
  trackIds = told.trackIds ?? trackIds
  void load(http, callers, { rate, seconds, mix: mixes[mix]() }).then((figures: Figures[]) =>
    process.send?.(figures),
  )
})
