import { randomUUID } from 'node:crypto'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTracks, type TracksDatabase } from './store.ts'
import { tracksUnderTest, type TracksUnderTest } from './testing/tracks-under-test.ts'

type Person = Awaited<ReturnType<TracksUnderTest['person']>>

let veza: TracksUnderTest
let database: Database<TracksDatabase>
let ana: Person
let ben: Person

beforeAll(async () => {
  veza = await tracksUnderTest()
  database = openDatabase(veza.database.url, { applicationName: 'test', poolSize: 5, log: veza.log })
  ana = await veza.person()
  ben = await veza.person()
})
afterAll(async () => {
  await database.close()
  await veza.close()
})

/** A track without a file: what playlists know of one is that it is there, and for whom. */
const trackOf = async (owner: Person, visibility: 'public' | 'private' = 'public'): Promise<string> => {
  const id = randomUUID()
  const source = { sha256: 'ab'.repeat(32), bytes: 1, filename: 'a', format: 'mp3', codec: 'mp3' }
  await openTracks(veza.codec).execute(database.db, id, {
    ...{
      type: 'upload',
      id,
      ownerId: owner.userId,
      title: 'One',
      artist: null,
      album: null,
      genre: null,
      cover: null,
    },
    ...{ visibility, source, recipe: 1, at: new Date() },
  })
  return id
}

interface Playlist {
  id: string
  version: number
  title: string
  visibility: string
  length: number
  tracks: { id: string }[]
}
const make = async (person: Person, body: object = {}) =>
  (await person.call<Playlist>('POST', '/v1/playlists', { title: 'Late', ...body })).body
const trackIds = ({ body }: { body: Playlist }) => body.tracks.map(({ id }) => id)

describe('a playlist', () => {
  it('is made, filled, put in order and deleted', async () => {
    const made = await ana.call<Playlist>('POST', '/v1/playlists', { title: ' Late ' })
    expect([made.status, made.body]).toMatchObject([
      201,
      { title: 'Late', visibility: 'private', length: 0, tracks: [] },
    ])
    const path = `/v1/playlists/${made.body.id}`
    expect(made.headers.get('location')).toBe(path)
    const [a, b, c] = [await trackOf(ana), await trackOf(ben), await trackOf(ana)]
    await ana.call('PUT', `${path}/tracks/${a}`, {})
    await ana.call('PUT', `${path}/tracks/${b}`, {})
    expect(trackIds(await ana.call<Playlist>('PUT', `${path}/tracks/${c}`, { position: 1 }))).toEqual([
      a,
      c,
      b,
    ])
    expect(trackIds(await ana.call<Playlist>('PUT', `${path}/tracks`, { trackIds: [b, a] }))).toEqual([b, a])
    expect(trackIds(await ana.call<Playlist>('DELETE', `${path}/tracks/${b}`))).toEqual([a])
    expect((await ana.call<Playlist>('PATCH', path, { title: 'Later' })).body.title).toBe('Later')
    expect((await ana.call('DELETE', path)).status).toBe(204)
    expect((await ana.call('DELETE', path)).status).toBe(204)
    expect((await ana.call('GET', path)).body.code).toBe('playlist-not-found')
  })

  it('is changed in the version that its owner saw, by its owner alone', async () => {
    const { id } = await make(ana, { visibility: 'public' })
    const path = `/v1/playlists/${id}`
    const etag = (await ana.call('GET', path)).headers.get('etag') ?? ''
    const changed = await ana.call('PATCH', path, { description: 'For the night' }, { 'if-match': etag })
    expect(changed.status).toBe(200)
    const late = await ana.call('PUT', `${path}/tracks`, { trackIds: [] }, { 'if-match': '"0"' })
    expect([late.status, late.body.code]).toEqual([409, 'version-conflict'])
    expect((await ben.call('PATCH', path, { title: 'Mine' })).body.code).toBe('playlist-not-found')
    expect((await ben.call('DELETE', path)).body.code).toBe('playlist-not-found')
    expect((await ana.call('PATCH', path, { title: '' })).status).toBe(400)
    expect((await ana.call('PATCH', path, {}, { 'if-match': 'latest' })).status).toBe(400)
  })

  it('takes what its owner may hear, and shows each listener what they may hear', async () => {
    const { id } = await make(ana, { visibility: 'unlisted' })
    const path = `/v1/playlists/${id}`
    const [mine, theirs] = [await trackOf(ana, 'private'), await trackOf(ben)]
    const secret = await trackOf(ben, 'private')
    for (const add of [
      () => ana.call('PUT', `${path}/tracks/${secret}`, {}),
      () => ana.call('PUT', `${path}/tracks`, { trackIds: [mine, secret] }),
    ])
      expect((await add()).body.code).toBe('track-not-found')
    await ana.call('PUT', `${path}/tracks`, { trackIds: [mine, theirs] })
    expect(trackIds(await ben.call<Playlist>('GET', path))).toEqual([theirs])
    expect((await ben.call<Playlist>('GET', path)).body.length).toBe(2)

    // What became private stays in it, unseen, and does not keep its owner from putting it in order.
    await ben.call('PATCH', `/v1/tracks/${theirs}`, { visibility: 'private' })
    const moved = await ana.call<Playlist>('PUT', `${path}/tracks`, { trackIds: [theirs, mine] })
    expect([moved.status, trackIds(moved), moved.body.length]).toEqual([200, [mine], 2])
    await ben.call('DELETE', `/v1/tracks/${theirs}`)
    expect(trackIds(await ana.call<Playlist>('GET', path))).toEqual([mine])
  })

  it('is made once by a request that comes again under its Idempotency-Key', async () => {
    const eve = await veza.person()
    const ask = () =>
      eve.call<Playlist>('POST', '/v1/playlists', { title: 'Once' }, { 'idempotency-key': 'once' })
    const [first, again] = [await ask(), await ask()]
    expect([again.status, again.body]).toEqual([201, first.body])
    const { body } = await eve.call<{ playlists: Playlist[] }>('GET', '/v1/playlists')
    expect(body.playlists.map(({ id }) => id)).toEqual([first.body.id])
  })

  it('changes once when it is changed by several at once', async () => {
    const { id } = await make(ana)
    const ids = await Promise.all(Array.from({ length: 4 }, () => trackOf(ana)))
    const answers = await Promise.all(
      ids.map((trackId) => ana.call('PUT', `/v1/playlists/${id}/tracks/${trackId}`, {})),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const { body } = await ana.call<Playlist>('GET', `/v1/playlists/${id}`)
    expect(body.tracks.map((track) => track.id).sort()).toEqual(ids.sort())
  })
})

describe('playlists of somebody', () => {
  it('are listed to them, and what they share to others, page by page', async () => {
    const [cem, dee] = [await veza.person(), await veza.person()]
    const ids: string[] = []
    for (const visibility of ['public', 'private', 'unlisted', 'public'])
      ids.push((await make(cem, { visibility })).id)
    interface Page {
      playlists: Playlist[]
      next: string | null
    }
    const listed = async (person: Person, query: string) =>
      (await person.call<Page>('GET', `/v1/playlists?${query}`)).body
    expect((await listed(cem, '')).playlists.map(({ id }) => id)).toEqual(ids.toReversed())
    const first = await listed(dee, `owner=${cem.userId}&limit=1`)
    expect(first.playlists.map(({ id }) => id)).toEqual([ids[3]])
    const second = await listed(dee, `owner=${cem.userId}&limit=1&cursor=${String(first.next)}`)
    expect(second.playlists.map(({ id }) => id)).toEqual([ids[0]])
    expect((await dee.call('GET', `/v1/playlists/${String(ids[1])}`)).status).toBe(404)
    expect((await dee.call('GET', `/v1/playlists/${String(ids[2])}`)).status).toBe(200)
  })
})
