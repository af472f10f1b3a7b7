import { type Veza } from '@veza/deploy/launcher'
import { inParallel, type Person, register, request } from '../support/api.ts'
import { type Caller, type Figures, type Kind, load } from './http-load.ts'
import { as } from './http-mix.ts'
import { send, statusOf } from './requests.ts'
import { type CountedRoles, countStatements } from './statements.ts'
import { fillTracks } from './tracks.ts'

/** Of one edge. */
export interface ReadsOfEdge {
  readonly name: string
  readonly reads: number
  readonly failed: number
  readonly work: Awaited<ReturnType<CountedRoles['workOf']>>
  readonly figures: readonly Figures[]
}

const people = 20
const tracks = 2_000
const hotTracks = 50
/** Playlists, and rooms. */
const few = 5
/** Changes, of a hundred reads at both edges. */
const changesPercent = 1
const warmupSeconds = 5

/** What is read. */
interface Things {
  readonly trackIds: readonly string[]
  readonly playlistIds: readonly string[]
  readonly roomIds: readonly string[]
}

const nth = (ids: readonly string[], n: number): string => ids[(n * 37) % ids.length] ?? ''

const mixOf = ({ trackIds, playlistIds, roomIds }: Things): readonly Kind[] => {
  const get = (name: string, share: number, pathOf: (other: Caller, n: number) => string): Kind => ({
    ...{ name: `GET ${name}`, share },
    run: (http, caller, other, n) => statusOf(send(http, 'GET', pathOf(other, n), as(caller))),
  })
  return [
    get('/v1/tracks/:id', 45, (_, n) => `/v1/tracks/${nth(trackIds, n)}`),
    get('/v1/users/:id', 35, ({ person }) => `/v1/users/${person.id}`),
    get('/v1/playlists/:id', 10, (_, n) => `/v1/playlists/${nth(playlistIds, n)}`),
    get('/v1/rooms/:id/messages', 10, (_, n) => `/v1/rooms/${nth(roomIds, n)}/messages`),
  ]
}

const must = async (http: string, method: string, path: string, token: string, body?: unknown) => {
  const answer = await request(http, method, path, { token, ...(body === undefined ? {} : { body }) })
  if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}`)
  return answer.body as { readonly id: string }
}

/** Playlists of ten tracks, and rooms that everybody may read. */
const makeThings = async (http: string, { token }: Person, trackIds: readonly string[]): Promise<Things> => {
  const each = <T>(make: (n: number) => Promise<T>) =>
    inParallel(1, Array.from({ length: few }), (_, n) => make(n))
  const playlistIds = await each(async (n) => {
    const { id } = await must(http, 'POST', '/v1/playlists', token, {
      title: `List ${n}`,
      visibility: 'public',
    })
    for (let track = 0; track < 10; track++)
      await must(http, 'PUT', `/v1/playlists/${id}/tracks/${nth(trackIds, 10 * n + track)}`, token, {})
    return id
  })
  const roomIds = await each(
    async (n) =>
      (await must(http, 'POST', '/v1/rooms', token, { name: `Room ${n}`, visibility: 'public' })).id,
  )
  return { trackIds, playlistIds, roomIds }
}

/** Somebody changes their profile, again and again, at an edge that is not measured. */
const changing = async (http: string, callers: readonly Caller[], o: { rate: number; seconds: number }) => {
  const mix: readonly Kind[] = [
    {
      ...{ name: 'PATCH /v1/users/me', share: 100 },
      run: (_, caller, _other, n) =>
        statusOf(send(http, 'PATCH', '/v1/users/me', { ...as(caller), body: { bio: `bio ${n}` } })),
    },
  ]
  await load(http, callers, { ...o, mix })
}

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
    const [first] = callers
    if (first === undefined) throw new Error('somebody has to be there')
    for (const { person } of callers) await must(http, 'GET', '/v1/users/me', person.token)
    const mix = mixOf(await makeThings(http, first.person, ids.slice(0, hotTracks)))
    const run = (edge: typeof withCache, o: { rate: number; seconds: number }) =>
      load(edge.http, callers, { ...o, mix })
    const both = (o: { rate: number; seconds: number }) =>
      Promise.all([
        run(withCache, o),
        run(without, o),
        changing(http, callers, { ...o, rate: (2 * o.rate * changesPercent) / 100 }),
      ])
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
