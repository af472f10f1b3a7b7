import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { reviewWords } from './adapters/search-words.ts'
import { openTracksStore } from './store.ts'
import { serviceToken } from './testing/tracks-under-test.ts'
import {
  veza,
  database,
  song,
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

describe('the internal API', () => {
  const ask = async (question: object, token = serviceToken, path = 'playable') => {
    const body = JSON.stringify(question)
    const response = await veza.first.internal.request(`/internal/v1/tracks/${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': String(body.length),
      },
      body,
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it('says where a stream lies to whom may hear it', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const trackId = await readyTrack(ana, { visibility: 'private' })
    const by = (userId: string, moderator = false) => ask({ trackId, userId, moderator })
    expect(await by(ana.userId)).toEqual({
      status: 200,
      body: { trackId, ownerId: ana.userId, media, durationMs: 1000 },
    })
    expect((await by(ben.userId)).status).toBe(404)
    expect((await by(ben.userId, true)).status).toBe(200)
    const waiting = await uploaded(ana)
    expect((await ask({ trackId: waiting, userId: ana.userId, moderator: false })).status).toBe(409)
    expect((await ask({ trackId, userId: ana.userId, moderator: false }, 'wrong')).status).toBe(401)
  })

  it('says who of many may hear which track, as it says of one', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const tracks: string[] = []
    for (const visibility of ['public', 'unlisted', 'followers', 'private'])
      tracks.push(await readyTrack(ana, { visibility }))
    const hearable = async (userId: string) => {
      const pairs = [...tracks, await uploaded(ana), randomUUID()].map((trackId) => ({ trackId, userId }))
      const { status, body } = await ask({ pairs }, serviceToken, 'hearable')
      expect(status).toBe(200)
      const alone = await Promise.all(pairs.map((pair) => ask({ ...pair, moderator: false })))
      expect(body['hearable']).toEqual(alone.map((one) => one.status === 200))
      return (body['hearable'] as boolean[]).map(Number).join('')
    }
    expect([await hearable(ana.userId), await hearable(ben.userId)]).toEqual(['111100', '110000'])
    await sql`insert into relations.follows values (${ben.userId}, ${ana.userId})`.execute(database.db)
    expect(await hearable(ben.userId)).toBe('111000')
    await sql`insert into relations.blocks values (${ana.userId}, ${ben.userId})`.execute(database.db)
    expect(await hearable(ben.userId)).toBe('000000')
    expect((await ask({ pairs: [] }, 'wrong', 'hearable')).status).toBe(401)
    const statuses = [0, 500, 501].map(async (length) => {
      const pairs = Array.from({ length }, () => ({ trackId: randomUUID(), userId: ben.userId }))
      return (await ask({ pairs }, serviceToken, 'hearable')).status
    })
    expect(await Promise.all(statuses)).toEqual([400, 200, 400])
  })

  it('says which tracks everybody may find', async () => {
    const ana = await veza.person()
    const open = await readyTrack(ana, { visibility: 'public' })
    const hidden: string[] = []
    for (const visibility of ['private', 'unlisted', 'followers'])
      hidden.push(await readyTrack(ana, { visibility }))
    const trackIds = [...hidden, open, await uploaded(ana), randomUUID()]
    const listed = await ask({ trackIds }, serviceToken, 'listed')
    expect(listed).toEqual({ status: 200, body: { trackIds: [open] } })
    const [ben, cem] = [await veza.person(), await veza.person()]
    await sql`insert into relations.blocks values (${ben.userId}, ${ana.userId})`.execute(database.db)
    const listedTo = async ({ userId }: typeof ben) =>
      (await ask({ trackIds, userId }, serviceToken, 'listed')).body
    expect(await listedTo(ben)).toEqual({ trackIds: [] })
    expect(await listedTo(cem)).toEqual({ trackIds: [open] })
    await sql`delete from relations.blocks`.execute(database.db)
    expect((await ask({ trackIds }, 'wrong', 'listed')).status).toBe(401)
  })
})

describe("tracks' part of the audit", () => {
  it('tells who did what to a track, and keeps no address that can be read', async () => {
    const ana = await veza.person()
    const trackId = await uploaded(ana)
    await ana.call('PATCH', `/v1/tracks/${trackId}`, { title: 'Another' })
    const response = await veza.first.internal.request(
      `/internal/v1/tracks/audit?names=${trackId}&limit=9&type=TrackUploaded,TrackEdited`,
      { headers: { authorization: `Bearer ${serviceToken}` } },
    )
    const { entries } = (await response.json()) as { entries: Record<string, unknown>[] }
    expect(entries).toMatchObject([
      { type: 'TrackEdited', actor: ana.userId, address: '127.0.0.1', details: { title: 'Another' } },
      { type: 'TrackUploaded', actor: ana.userId, address: '127.0.0.1', details: { ownerId: ana.userId } },
    ])
    const kept = await sql<{ n: number }>`
      select count(*) as n from events.events where address like '127.%'`.execute(database.db)
    expect(kept.rows).toEqual([{ n: 0 }])
  })
})

describe("tracks' part of a copy", () => {
  it('has the tracks, likes and open uploads of a person', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const [mine, theirs] = [await uploaded(ana), await readyTrack(ben)]
    await ana.call('PUT', `/v1/tracks/${theirs}/like`)
    await ana.begin(1_000, { filename: 'begun.wav' })
    const playlist = await ana.call<{ id: string }>('POST', '/v1/playlists', { title: 'Late' })
    await ana.call('POST', `/v1/tracks/${theirs}/reports`, { reason: 'spam', comment: 'Twice' })
    const cem = await veza.person()
    await cem.call('POST', `/v1/tracks/${mine}/reports`, { reason: 'spam' })
    const response = await veza.first.internal.request(`/internal/v1/tracks/personal-data/${ana.userId}`, {
      headers: { authorization: `Bearer ${serviceToken}` },
    })
    const body = (await response.json()) as { history: { what: string; address: string }[] }
    expect(body).toMatchObject({
      tracks: [{ id: mine, visibility: 'public' }],
      likes: [{ trackId: theirs }],
      uploads: [{ filename: 'begun.wav', bytes: 1_000 }],
      playlists: [{ id: playlist.body.id, title: 'Late', trackIds: [] }],
      reports: [{ trackId: theirs, comment: 'Twice' }],
    })
    // That they were reported, and by nobody.
    expect(JSON.stringify(body)).not.toContain(cem.userId)
    expect(body.history.map(({ what, address }) => [what, address])).toEqual([
      ['TrackReported', null],
      ['TrackReported', '127.0.0.1'],
      ['PlaylistCreated', '127.0.0.1'],
      ['TranscodeRequested', '127.0.0.1'],
      ['TrackUploaded', '127.0.0.1'],
    ])
  })

  it('has all of it, however much it is', async () => {
    const ana = await veza.person()
    const much = 1_001
    await sql`
      insert into tracks (id, owner_id, version, status, visibility, title, description, tags, search_text, source,
        source_bytes, uploaded_at)
      select uuidv7(), ${ana.userId}, 1, 'processing', 'private', n, '', '{}', n, n, 1, now()
      from generate_series(1, ${much}::int) n`.execute(database.db)
    for (const insert of [
      sql`likes select id, owner_id, date_trunc('milliseconds', now()) from tracks`,
      sql`reports select id, owner_id, 'spam', '', now() from tracks`,
      sql`uploads select uuidv7(), owner_id, 1, '', null, 'public', now(), now() + interval '1 hour' from tracks`,
      sql`playlists select uuidv7(), owner_id, 1, title, '', 'private', '{}', now(), now() from tracks`,
    ])
      await sql`insert into ${insert} where owner_id = ${ana.userId}`.execute(database.db)
    const response = await veza.first.internal.request(`/internal/v1/tracks/personal-data/${ana.userId}`, {
      headers: { authorization: `Bearer ${serviceToken}` },
    })
    const body = (await response.json()) as Record<string, { id?: string; trackId?: string }[]>
    for (const part of ['tracks', 'likes', 'reports', 'uploads', 'playlists']) {
      const ids = (body[part] ?? []).map(({ id, trackId }) => id ?? trackId)
      expect([part, ids.length, new Set(ids).size]).toEqual([part, much, much])
    }
  })
})

describe('somebody who was forgotten', () => {
  it('leaves no track, playlist, like, report nor word of an upload, also when they are forgotten twice', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const [mine, theirs] = [await readyTrack(ana), await readyTrack(ben)]
    const playlist = await ana.call<{ id: string }>('POST', '/v1/playlists', { title: 'Late' })
    await ana.call('PUT', `/v1/tracks/${theirs}/like`)
    await ana.call('POST', `/v1/tracks/${theirs}/reports`, { reason: 'spam' })
    await ana.begin(1_000, { filename: 'begun.wav' })
    const store = openTracksStore(veza.settings, {
      ...{ log: veza.log, codec: veza.codec, applicationName: 'test' },
    })
    for (let times = 0; times < 2; times++)
      await store.erase(ana.userId, { actor: 'tracks-erasure', causation: 'x' })
    await store.close()
    expect((await ben.call('GET', `/v1/tracks/${mine}`)).status).toBe(404)
    expect((await ben.call('GET', `/v1/playlists/${playlist.body.id}`)).status).toBe(404)
    expect((await ben.call<TrackBody>('GET', `/v1/tracks/${theirs}`)).body.likes).toBe(0)
    const { rows } = await sql<{ filename: string; reports: number }>`
      select filename, (select count(*) from reports where reporter_id = ${ana.userId}) as reports
      from uploads where owner_id = ${ana.userId}`.execute(database.db)
    expect(rows).toEqual([{ filename: '', reports: 0 }])
  })

  it('brings in nothing more while their access token has minutes left', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const theirs = await readyTrack(ben)
    const begun = await ana.begin(song.length)
    const store = openTracksStore(veza.settings, {
      log: veza.log,
      codec: veza.codec,
      applicationName: 'test',
    })
    await store.erase(ana.userId, { actor: 'tracks-erasure', causation: 'x' })
    expect(await store.check()).toBeUndefined()
    await store.close()

    expect((await ana.begin(1_000)).body).toMatchObject({ code: 'user-erased' })
    expect(await ana.call('PUT', `/v1/tracks/${theirs}/like`)).toMatchObject({
      status: 410,
      body: { code: 'user-erased' },
    })
    const location = begun.headers.get('location') ?? ''
    const finished = await ana.tus('PATCH', location, { 'upload-offset': '0' }, song)
    expect(finished.status).toBeGreaterThanOrEqual(400)
    const left = async () => ({
      tracks: await database.db
        .selectFrom('tracks')
        .select('id')
        .where('owner_id', '=', ana.userId)
        .execute(),
      likes: await database.db.selectFrom('likes').selectAll().where('user_id', '=', ana.userId).execute(),
    })
    expect(await left()).toEqual({ tracks: [], likes: [] })
  })
})
