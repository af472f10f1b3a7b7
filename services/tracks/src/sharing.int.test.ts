import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { makeAudio } from '@veza/kit/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { jobQueue, openTracks, type RelationsDatabase, type TracksDatabase } from './store.ts'
import { tracksUnderTest, type TracksUnderTest } from './testing/tracks-under-test.ts'

type Person = Awaited<ReturnType<TracksUnderTest['person']>>

let veza: TracksUnderTest
let database: Database<TracksDatabase>
let relations: Database<RelationsDatabase>
let song: Buffer
let ana: Person
let ben: Person
let mia: Person

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'veza-tracks-test-'))
  veza = await tracksUnderTest()
  const options = { applicationName: 'test', poolSize: 5, log: veza.log }
  database = openDatabase(veza.database.url, options)
  relations = openDatabase(veza.database.url, options)
  song = await readFile(await makeAudio(dir, 'song.mp3', { seconds: 1 }))
  await rm(dir, { recursive: true })
})
afterAll(async () => {
  await relations.close()
  await database.close()
  await veza.close()
})
beforeEach(async () => {
  ana = await veza.person()
  ben = await veza.person()
  mia = await veza.person(['moderator'])
  veza.setNow(undefined)
})

const ready = async (person: Person, metadata: Record<string, string> = {}): Promise<string> => {
  const { headers } = await person.upload(song, metadata)
  const trackId = headers.get('veza-track-id') ?? ''
  const jobs = jobQueue(database.db, openTracks(veza.codec))
  const job = await jobs.claim('test', 60_000)
  if (job === undefined) throw new Error('there is no job')
  const stream = {
    ...{ media: 'media/x', recipe: 1, durationMs: 1000, loudness: -20.5, truePeak: -6, gain: 5 },
  }
  await jobs.settle(job, { type: 'made', stream }, new Date())
  return trackId
}

interface Track {
  id: string
  visibility: string
  publishAt: string | null
  publishedAt: string | null
  takenDown: string | null
}
interface Tracks {
  tracks: Track[]
  next: string | null
}

const model = () => relations.db.withSchema('relations')
const follow = (follower: Person, followee: Person) =>
  model()
    .insertInto('follows')
    .values({ follower_id: follower.userId, followee_id: followee.userId })
    .execute()
const block = (blocker: Person, blocked: Person) =>
  model().insertInto('blocks').values({ blocker_id: blocker.userId, blocked_id: blocked.userId }).execute()

const idsOf = ({ body }: { body: Tracks }) => body.tracks.map(({ id }) => id)
const seen = async (person: Person, trackId: string) =>
  (await person.call('GET', `/v1/tracks/${trackId}`)).status

describe('a track for followers', () => {
  it('is there for them, and for nobody else', async () => {
    const trackId = await ready(ana, { visibility: 'followers' })
    expect([await seen(ben, trackId), await seen(ana, trackId), await seen(mia, trackId)]).toEqual([
      404, 200, 200,
    ])
    await follow(ben, ana)
    expect(await seen(ben, trackId)).toBe(200)
    expect(idsOf(await ben.call<Tracks>('GET', `/v1/tracks?owner=${ana.userId}`))).toEqual([])
  })

  it('is uploaded with a visibility that exists', async () => {
    const { status, body } = await ana.begin(song.length, { visibility: 'friends' })
    expect([status, body.code]).toEqual([400, 'visibility-unknown'])
  })
})

describe('people who block each other', () => {
  it('have no tracks for each other, whoever began', async () => {
    const trackId = await ready(ana, { title: 'Quarrel' })
    expect(await seen(ben, trackId)).toBe(200)
    await block(ana, ben)
    expect(await seen(ben, trackId)).toBe(404)
    const [mine, theirs] = [await ready(ben, { title: 'Quarrel' }), `/v1/tracks?owner=${ben.userId}`]
    expect(await seen(ana, mine)).toBe(404)
    expect(idsOf(await ana.call<Tracks>('GET', theirs))).toEqual([])
    expect(idsOf(await ana.call<Tracks>('GET', '/v1/tracks?q=Quarrel'))).toEqual([trackId])
  })
})

describe('the feed', () => {
  it('has what those one follows publish, the newest first, page by page', async () => {
    const cem = await veza.person()
    const stranger = await veza.person()
    await Promise.all([follow(ben, ana), follow(ben, cem)])
    const first = await ready(ana)
    const second = await ready(cem, { visibility: 'followers' })
    await ready(stranger)
    await ready(ana, { visibility: 'unlisted' })
    const late = await ready(ana, { visibility: 'private' })
    const third = await ready(cem)
    await ana.call('PATCH', `/v1/tracks/${late}`, { visibility: 'public' })

    const page = await ben.call<Tracks>('GET', '/v1/feed?limit=3')
    expect(idsOf(page)).toEqual([late, third, second])
    const rest = await ben.call<Tracks>('GET', `/v1/feed?limit=3&cursor=${String(page.body.next)}`)
    expect(idsOf(rest)).toEqual([first])
    expect(rest.body.next).toBeNull()
    expect(idsOf(await ana.call<Tracks>('GET', '/v1/feed'))).toEqual([])
    const wrong = Buffer.from('t:x').toString('base64url')
    expect((await ben.call('GET', `/v1/feed?cursor=${wrong}`)).status).toBe(400)
  })
})

describe('a track that is announced', () => {
  it('is published when its time has come, and not before', async () => {
    const trackId = await ready(ana, { visibility: 'private' })
    const path = `/v1/tracks/${trackId}`
    const publishAt = new Date(Date.now() + 3_600_000).toISOString()
    expect((await ana.call<Track>('PATCH', path, { publishAt })).body).toMatchObject({
      ...{ visibility: 'private', publishAt, publishedAt: null },
    })
    expect(await veza.first.publish()).toBe(0)
    veza.setNow(new Date(publishAt))
    expect(await veza.first.publish()).toBe(1)
    expect(await veza.first.publish()).toBe(0)
    expect((await ben.call<Track>('GET', path)).body).toMatchObject({
      ...{ visibility: 'public', publishAt: null, publishedAt: publishAt },
    })
  })

  it('is published though one before it cannot be, of which the log tells', async () => {
    const publishAt = new Date(Date.now() + 3_600_000).toISOString()
    const announce = async () => {
      const trackId = await ready(ana, { visibility: 'private' })
      await ana.call('PATCH', `/v1/tracks/${trackId}`, { publishAt })
      return trackId
    }
    const [first, whole] = [await announce(), await announce()]
    // A row that no events are behind, and before the other one in any order.
    const broken = '00000000-0000-7000-8000-000000000000'
    await database.db
      .updateTable('tracks')
      .set({ id: broken, publish_at: new Date(Date.parse(publishAt) - 1_000) })
      .where('id', '=', first)
      .execute()
    const warn = vi.spyOn(veza.log, 'warn')
    onTestFinished(() => {
      warn.mockRestore()
    })
    veza.setNow(new Date(publishAt))
    expect(await veza.first.publish()).toBe(1)
    expect(await seen(ben, whole)).toBe(200)
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ trackId: broken }),
      'a track that is due was not published',
    )
    await database.db.deleteFrom('tracks').where('id', '=', broken).execute()
  })

  it('needs a time that makes sense', async () => {
    const path = `/v1/tracks/${await ready(ana)}`
    const change = async (body: object) => (await ana.call('PATCH', path, body)).body.code
    const ahead = (ms: number) => ({ publishAt: new Date(Date.now() + ms).toISOString() })
    expect(await change(ahead(60_000))).toBe('already-public')
    expect(await change({ visibility: 'unlisted', ...ahead(-1) })).toBe('publish-time')
    expect(await change({ publishAt: 'tomorrow' })).toBe('invalid-request')
  })
})

describe('reports', () => {
  interface Reports {
    reports: { trackId: string; reporterId: string; reason: string; comment: string }[]
    next: string | null
  }
  const reportsOf = async (trackId: string) =>
    (await mia.call<Reports>('GET', '/v1/moderation/track-reports?limit=100')).body.reports.filter(
      (report) => report.trackId === trackId,
    )
  interface Entry {
    actor: string
    details: Record<string, unknown>
  }
  const dismissals = async (trackId: string): Promise<Entry[]> => {
    const query = `names=${trackId}&type=TrackReportsDismissed&limit=10`
    const { SERVICE_TOKEN } = veza.settings
    const asked = await veza.first.internal.request(`/internal/v1/tracks/audit?${query}`, {
      headers: { authorization: `Bearer ${SERVICE_TOKEN}` },
    })
    return ((await asked.json()) as { entries: Entry[] }).entries
  }
  const report = (person: Person, trackId: string, body: object = { reason: 'spam' }) =>
    person.call('POST', `/v1/tracks/${trackId}/reports`, body)

  it('come to moderators, one a person, and are settled by a takedown', async () => {
    const trackId = await ready(ana)
    const path = `/v1/tracks/${trackId}`
    const said = { reason: 'copyright', comment: 'It is mine' }
    for (let times = 0; times < 2; times++) expect((await report(ben, trackId, said)).status).toBe(204)
    expect(await reportsOf(trackId)).toMatchObject([{ reporterId: ben.userId, ...said }])
    expect((await ben.call('GET', '/v1/moderation/track-reports')).body.code).toBe('not-moderator')
    expect((await ben.call('PUT', `${path}/takedown`, { reason: 'copyright' })).body.code).toBe(
      'not-moderator',
    )

    expect((await mia.call('PUT', `${path}/takedown`, { reason: 'copyright' })).status).toBe(204)
    expect(await reportsOf(trackId)).toEqual([])
    expect(await seen(ben, trackId)).toBe(404)
    expect((await ana.call<Track>('GET', path)).body.takenDown).toBe('copyright')
    const playable = await veza.first.internal.request('/internal/v1/tracks/playable', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${veza.settings.SERVICE_TOKEN}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ trackId, userId: ben.userId, moderator: false }),
    })
    expect(playable.status).toBe(404)

    expect((await mia.call('DELETE', `${path}/takedown`)).status).toBe(204)
    expect(await seen(ben, trackId)).toBe(200)
  })

  it('that are unfounded are dismissed, and can come again', async () => {
    const trackId = await ready(ana)
    await Promise.all([report(ben, trackId), report(mia, trackId), report(ben, trackId)])
    expect(await reportsOf(trackId)).toHaveLength(2)
    const dismiss = (person: Person, note?: string, id = trackId) =>
      person.call('PUT', `/v1/tracks/${id}/reports/dismissal`, note === undefined ? {} : { note })
    expect((await dismiss(ben)).body.code).toBe('not-moderator')
    expect((await dismiss(mia, undefined, randomUUID())).body.code).toBe('track-not-found')
    expect((await dismiss(mia, 'x'.repeat(1_001))).status).toBe(400)
    for (const note of ['A cover of their own', 'Again']) expect((await dismiss(mia, note)).status).toBe(204)
    expect(await reportsOf(trackId)).toEqual([])
    expect((await dismissals(trackId)).map(({ actor, details }) => [actor, details['note']])).toEqual([
      [mia.userId, 'A cover of their own'],
    ])
    expect(await seen(ben, trackId)).toBe(200)
    await report(ben, trackId)
    expect(await reportsOf(trackId)).toHaveLength(1)
    const first = await mia.call<Reports>('GET', '/v1/moderation/track-reports?limit=1')
    expect(first.body.next).not.toBeNull()
  })

  it('are of tracks that the reporter may know of, and of a reason that exists', async () => {
    const hidden = await ready(ana, { visibility: 'private' })
    expect((await report(ben, hidden)).body.code).toBe('track-not-found')
    expect((await report(ana, hidden, { reason: 'dull' })).status).toBe(400)
    expect((await report(ana, hidden, { reason: 'other', comment: 'x'.repeat(1_001) })).status).toBe(400)
  })
})
