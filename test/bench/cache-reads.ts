import { type Veza } from '@veza/deploy/launcher'
import { inParallel, register } from '../support/api.ts'
import { type Caller, type Figures, type Kind, load } from './http-load.ts'
import { as } from './http-mix.ts'
import { send, statusOf } from './requests.ts'
import { countStatements, type DatabaseWork } from './statements.ts'
import { fillTracks } from './tracks.ts'

/** Of one edge. */
export interface ReadsOfEdge {
  readonly name: string
  readonly reads: number
  readonly failed: number
  readonly work: DatabaseWork
  readonly figures: readonly Figures[]
}

const people = 20
const tracks = 2_000
const hotTracks = 50
const warmupSeconds = 5

const mixOf = (o: { readonly trackIds: readonly string[] }): readonly Kind[] => [
  {
    name: 'GET /v1/tracks/:id',
    share: 100,
    run: (http, caller, _, n) =>
      statusOf(send(http, 'GET', `/v1/tracks/${o.trackIds[(n * 37) % o.trackIds.length] ?? ''}`, as(caller))),
  },
]

/**
 * The same reads at two HTTP edges at the same time, one of which keeps what it reads, on one database: what each costs it.
 *
 * @param rate reads a second at each
 */
export const measureReads = async (
  veza: Veza,
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
): Promise<{ readonly cached: ReadsOfEdge; readonly uncached: ReadsOfEdge }> => {
  const counted = await countStatements(veza, ['bench_cached', 'bench_uncached'])
  try {
    const edgeOf = async (role: string, keeps: boolean) => {
      const settings = { ...counted.settingsOf(role), CACHE_READS: String(keeps) }
      const { port } = await veza.another('http', settings)
      return { name: role, http: `http://127.0.0.1:${port ?? 0}` }
    }
    const [withCache, without] = await Promise.all([
      edgeOf('bench_cached', true),
      edgeOf('bench_uncached', false),
    ])
    const { http } = veza.endpoints
    const callers = await inParallel(4, Array.from({ length: people }), async (_, n): Promise<Caller> => {
      const email = `bench-${n}@example.org`
      return { person: await register(http, `Person ${n}`, { email }), email, isRefreshing: false }
    })
    const ids = await fillTracks(
      veza.stack.databaseUrls.tracks,
      tracks,
      callers.map(({ person }) => person.id),
    )
    const mix = mixOf({ trackIds: ids.slice(0, hotTracks) })
    const run = (edge: typeof withCache, o: { rate: number; seconds: number }) =>
      load(edge.http, callers, { ...o, mix })
    const both = (o: { rate: number; seconds: number }) => Promise.all([run(withCache, o), run(without, o)])
    await both({ rate: rate / 2, seconds: warmupSeconds })
    await counted.reset()
    const [ofCached, ofUncached] = await both({ rate, seconds })
    const readsOf = async (
      { name }: typeof withCache,
      figures: readonly Figures[],
    ): Promise<ReadsOfEdge> => ({
      ...{ name, figures, work: await counted.workOf(name) },
      reads: figures.reduce((sum, { requests }) => sum + requests, 0),
      failed: figures.reduce((sum, { failed }) => sum + failed, 0),
    })
    return {
      cached: await readsOf(withCache, ofCached),
      uncached: await readsOf(without, ofUncached),
    }
  } finally {
    await counted.close()
  }
}
