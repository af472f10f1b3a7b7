import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { reviewWords } from './adapters/search-words.ts'
import {
  veza,
  database,
  media,
  uploaded,
  readyTrack,
  type TrackBody,
  type Page,
  hooks,
} from './testing/tracks-and-jobs.ts'

hooks()

describe('tracks', () => {
  it('are changed by their owner, each version once', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const trackId = await readyTrack(ana)
    const path = `/v1/tracks/${trackId}`
    const { headers } = await ana.call('GET', path)
    const etag = headers.get('etag') ?? ''
    const changed = await ana.call<TrackBody>(
      'PATCH',
      path,
      { title: ' New ', tags: ['drone'] },
      { 'if-match': etag },
    )
    expect([changed.status, changed.body.title, changed.body.tags]).toEqual([200, 'New', ['drone']])
    expect((await ana.call('PATCH', path, { title: 'Late' }, { 'if-match': etag })).body.code).toBe(
      'version-conflict',
    )
    expect((await ben.call('PATCH', path, { title: 'Mine' })).body.code).toBe('not-owner')
    expect((await ana.call('PATCH', path, { title: '' })).status).toBe(400)
    expect((await ana.call('PATCH', path, { unknown: 1 })).status).toBe(400)
  })

  it('are changed once by a request that comes again under its Idempotency-Key', async () => {
    const ana = await veza.person()
    const path = `/v1/tracks/${await readyTrack(ana)}`
    const edit = (title: string, key: string) =>
      ana.call<TrackBody>('PATCH', path, { title }, { 'idempotency-key': key })
    const first = await edit('One', 'one')
    await edit('Two', 'two')
    const again = await edit('One', 'one')
    expect([again.status, again.body]).toEqual([200, first.body])
    expect((await ana.call<TrackBody>('GET', path)).body.title).toBe('Two')
  })

  it('are found by all, by whoever knows them, or by nobody else', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const trackId = await readyTrack(ana, { title: 'Zeppelin over Görlitz' })
    const path = `/v1/tracks/${trackId}`
    const found = async (q: string) =>
      (await ben.call<Page>('GET', `/v1/tracks?q=${encodeURIComponent(q)}`)).body.tracks.map(({ id }) => id)
    expect(await found('zeppelin')).toEqual([trackId])
    expect(await found('zepelin')).toEqual([trackId])
    expect(await found('görlitz over')).toEqual([trackId])
    expect(await found('görl')).toEqual([trackId])
    expect(await found('GORLITZ')).toEqual([trackId])
    expect(await found('görlit\u0301z')).toEqual([trackId])
    expect(await found('zepelin görlizt')).toEqual([trackId])
    expect(await found('xylophone')).toEqual([])
    expect(await found('zeppelin xylophone')).toEqual([])
    expect(await found('zepelin -over')).toEqual([])
    expect(await found("zepelin's \\ ' & (")).toEqual([])
    expect((await ben.call('GET', '/v1/tracks?q=zepelin%00')).body.code).toBe('invalid-request')
    await ana.call('PATCH', path, { genre: 'Krautrock', tags: ['Motorik', 'Köln'] })
    for (const q of ['krautrock', 'motorik', 'koln zeppelin']) expect(await found(q)).toEqual([trackId])
    await ana.call('PATCH', path, { visibility: 'unlisted' })
    expect(await found('zeppelin')).toEqual([])
    expect((await ben.call('GET', path)).status).toBe(200)
    await ana.call('PATCH', path, { visibility: 'private' })
    expect((await ben.call('GET', path)).status).toBe(404)
    expect((await ana.call('GET', path)).status).toBe(200)
  })

  it('are found page by page: those with the words first, each once, then those with nearly the words', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const near = await readyTrack(ana, { title: 'Quartets at noon' })
    const exact = await readyTrack(ana, { title: 'Quartet at noon' })
    const ids = [exact, await readyTrack(ana, { title: 'Noon quartet, slow' }), near]
    const first = await ben.call<Page>('GET', '/v1/tracks?q=quartet%20noon&limit=2')
    const idsOf = ({ body }: typeof first) => body.tracks.map(({ id }) => id)
    expect(idsOf(first).sort()).toEqual(ids.slice(0, 2).sort())
    const next = `/v1/tracks?q=quartet%20noon&limit=2&cursor=${String(first.body.next)}`
    const second = await ben.call<Page>('GET', next)
    expect([idsOf(second), second.body.next]).toEqual([[ids[2]], null])
  })

  it('are found among those of one owner, those that one likes, and one’s own', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const [hers, hidden, his] = [
      await readyTrack(ana, { title: 'Kestrel' }),
      await readyTrack(ana, { title: 'Kestrel at night', visibility: 'private' }),
      await readyTrack(ben, { title: 'Kestrel' }),
    ]
    await ana.call('PUT', `/v1/tracks/${his}/like`)
    const found = async (person: typeof ana, query: string) =>
      (await person.call<Page>('GET', `/v1/tracks?${query}`)).body.tracks.map(({ id }) => id).sort()
    for (const q of ['q=kestrel', 'q=kestrle']) {
      expect(await found(ana, q)).toEqual([hers, his].sort())
      expect(await found(ana, `${q}&scope=mine`)).toEqual([hers, hidden].sort())
      expect(await found(ana, `${q}&scope=mine&owner=${ben.userId}`)).toEqual([])
      expect(await found(ana, `${q}&scope=liked`)).toEqual([his])
      expect(await found(ana, `${q}&scope=liked&owner=${ana.userId}`)).toEqual([])
      expect(await found(ben, `${q}&owner=${ana.userId}`)).toEqual([hers])
    }
  })

  it('are found by genre and by tag, with words or without, and keep each tag once', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const [house, dub, other] = [
      await readyTrack(ana, { title: 'Merle' }),
      await readyTrack(ana, { title: 'Merle at noon' }),
      await readyTrack(ana, { title: 'Merle' }),
    ]
    const edit = async (id: string, genre: string, tags: string[]) =>
      (await ana.call<TrackBody>('PATCH', `/v1/tracks/${id}`, { genre, tags })).body
    expect((await edit(house, 'Électro House', ['été', 'Vinyl', ' vinyl ', 'ETE'])).tags).toEqual([
      'été',
      'Vinyl',
    ])
    await edit(dub, 'Dub', ['Été'])
    await edit(other, 'Electro', ['été 2026'])
    const found = async (query: string, person = ben) =>
      (await person.call<Page>('GET', `/v1/tracks?${query}`)).body.tracks.map(({ id }) => id)
    expect(await found('genre=electro%20HOUSE')).toEqual([house])
    expect(await found('tag=ete')).toEqual([dub, house])
    expect(await found('tag=ete&genre=dub')).toEqual([dub])
    expect(await found('tag=dub')).toEqual([])
    for (const words of ['merle', 'merel']) {
      expect((await found(`q=${words}&tag=ete`)).sort()).toEqual([house, dub].sort())
      expect(await found(`q=${words}&tag=vinyl&owner=${ana.userId}`)).toEqual([house])
    }
    expect(await found('tag=ete&scope=mine', ana)).toEqual([dub, house])
    expect(await found('tag=ete&scope=mine')).toEqual([])
    await ben.call('PUT', `/v1/tracks/${house}/like`)
    expect(await found('tag=ete&scope=liked')).toEqual([house])
    const page = await ben.call<Page>('GET', '/v1/tracks?tag=ete&limit=1')
    expect(await found(`tag=ete&limit=1&cursor=${String(page.body.next)}`)).toEqual([house])
    for (const bad of ['genre=', 'genre=%E2%80%8B', `tag=${'x'.repeat(31)}`])
      expect((await ben.call('GET', `/v1/tracks?${bad}`)).body.code, bad).toBe('invalid-request')
  })

  it('are not called what nobody can see, nor what turns the page around', async () => {
    const ana = await veza.person()
    const path = `/v1/tracks/${await uploaded(ana)}`
    for (const bad of ['\u200b', '\u2060\u200d', 'One\u202eTwo', 'One\u2066']) {
      for (const change of [{ title: bad }, { artist: bad }, { genre: bad }, { tags: [bad] }])
        expect((await ana.call('PATCH', path, change)).body.code).toBe('invalid-request')
      expect((await ana.call('POST', '/v1/playlists', { title: bad })).body.code).toBe('invalid-request')
    }
  })

  it('leave no word to be guessed at when they are gone', async () => {
    const ana = await veza.person()
    const words = async () =>
      (
        await sql<{ word: string }>`
      select word from search_words where word in ('wolkenbruch', 'dienstag') order by word`.execute(
          database.db,
        )
      ).rows.map(({ word }) => word)
    await readyTrack(ana, { title: 'Dienstag' })
    const gone = await readyTrack(ana, { title: 'Wolkenbruch Dienstag' })
    await ana.call('DELETE', `/v1/tracks/${gone}`)
    await reviewWords(database.db, 1_000)
    expect(await words()).toEqual(['dienstag', 'wolkenbruch'])
    await sql`update search_words set seen = current_date - 2`.execute(database.db)
    expect(await reviewWords(database.db, 1_000)).toBeGreaterThan(1)
    expect(await words()).toEqual(['dienstag'])
    expect(await reviewWords(database.db, 1_000)).toBe(0)
  })

  it('are listed, the youngest first, page by page', async () => {
    const ana = await veza.person()
    const ids = [await readyTrack(ana), await readyTrack(ana), await readyTrack(ana)].reverse()
    const first = await ana.call<Page>('GET', `/v1/tracks?owner=${ana.userId}&limit=2`)
    expect(first.body.tracks.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    const second = await ana.call<Page>(
      'GET',
      `/v1/tracks?owner=${ana.userId}&limit=2&cursor=${String(first.body.next)}`,
    )
    expect(second.body).toMatchObject({ tracks: [{ id: ids[2] }], next: null })
    const waiting = await uploaded(await veza.person())
    expect(JSON.stringify((await ana.call('GET', '/v1/tracks?limit=100')).body)).not.toContain(waiting)
    expect((await ana.call('GET', '/v1/tracks?cursor=nonsense')).status).toBe(400)
  })

  it('are liked once by each', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const trackId = await readyTrack(ana)
    const path = `/v1/tracks/${trackId}`
    for (let times = 0; times < 2; times++) expect((await ben.call('PUT', `${path}/like`)).status).toBe(204)
    expect((await ben.call<TrackBody>('GET', path)).body).toMatchObject({ likes: 1, liked: true })
    expect((await ana.call<TrackBody>('GET', path)).body).toMatchObject({ likes: 1, liked: false })
    expect((await ben.call<Page>('GET', '/v1/tracks?scope=liked')).body.tracks.map(({ id }) => id)).toEqual([
      trackId,
    ])
    await ben.call('DELETE', `${path}/like`)
    expect((await ben.call<TrackBody>('GET', path)).body.likes).toBe(0)
  })

  it('are taken down by a moderator, who sees private ones', async () => {
    const [ana, mia] = [await veza.person(), await veza.person(['moderator'])]
    const path = `/v1/tracks/${await readyTrack(ana, { visibility: 'private' })}`
    expect((await mia.call('GET', path)).status).toBe(200)
    expect((await mia.call('DELETE', path)).status).toBe(204)
    expect((await ana.call('GET', path)).status).toBe(404)
  })

  it('have a waveform in two forms when they are ready', async () => {
    const ana = await veza.person()
    const path = `/v1/tracks/${await readyTrack(ana)}/waveform`
    await mkdir(join(veza.settings.OBJECTS_DIR, media), { recursive: true })
    await writeFile(join(veza.settings.OBJECTS_DIR, media, 'waveform.json'), '{"length":1,"data":[-1,1]}')
    await writeFile(join(veza.settings.OBJECTS_DIR, media, 'waveform.dat'), 'binary')
    expect((await ana.call('GET', path)).body).toEqual({ length: 1, data: [-1, 1] })
    expect((await ana.call('GET', path, undefined, { accept: 'application/octet-stream' })).body).toBe(
      'binary',
    )
    const waiting = `/v1/tracks/${await uploaded(ana)}/waveform`
    expect((await ana.call('GET', waiting)).body.code).toBe('track-not-ready')
  })
})
