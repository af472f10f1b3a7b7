import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
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
  hooks,
} from './testing/tracks-and-jobs.ts'

hooks()

/** What other services and their workers ask of tracks. */

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
