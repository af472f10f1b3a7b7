import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topics } from '@veza/contracts'
import { openCaches } from '@veza/kit/cache'
import { eventStore } from '@veza/kit/events'
import { openDatabase } from '@veza/kit/postgres'
import { makeAudio } from '@veza/kit/testing'
import { expect, it, onTestFinished } from 'vitest'
import { jobQueue } from './adapters/jobs.ts'
import { openPlaylists, playlistStream } from './adapters/playlists.ts'
import { type TracksDatabase } from './adapters/schema.ts'
import { openTracks } from './adapters/tracks.ts'
import { tracksUnderTest } from './testing/tracks-under-test.ts'

interface Track {
  readonly title: string
  readonly version: number
  readonly visibility: string
  readonly likes: number
  readonly liked: boolean
}

it('with caches whoever changes a track sees it changed, others once they are told, and a block at once', async () => {
  // A clock that stands still: nothing is forgotten for its age.
  const caches = openCaches({ now: () => 0 })
  caches.told()
  const veza = await tracksUnderTest({}, { caches })
  onTestFinished(() => veza.close())
  const database = openDatabase<TracksDatabase>(veza.database.url, {
    ...{ applicationName: 'test', poolSize: 2, log: veza.log },
  })
  onTestFinished(() => database.close())
  const dir = await mkdtemp(join(tmpdir(), 'veza-tracks-test-'))
  const song = await readFile(await makeAudio(dir, 'song.mp3', { seconds: 1 }))
  await rm(dir, { recursive: true })
  const [ana, ben] = [await veza.person(), await veza.person()]
  const trackId = (await ana.upload(song, { title: 'First' })).headers.get('veza-track-id') ?? ''
  const jobs = jobQueue(database.db, openTracks(veza.codec))
  const job = await jobs.claim('test', 60_000)
  if (job === undefined) throw new Error('there is no job')
  const stream = { media: 'media/x', recipe: 1, durationMs: 1000, loudness: -20.5, truePeak: -6, gain: 5 }
  await jobs.settle(job, { type: 'made', stream }, new Date())
  const path = `/v1/tracks/${trackId}`
  const seen = async (person = ana) => (await person.call<Track>('GET', path)).body

  const first = await seen()
  expect((await seen(ben)).visibility).toBe('public')
  const edit = async (changes: object, version: number) =>
    (await ana.call('PATCH', path, changes, { 'if-match': `"${version}"` })).status
  expect(await edit({ title: 'Second', visibility: 'private' }, first.version)).toBeLessThan(300)
  expect(await seen()).toMatchObject({ title: 'Second', visibility: 'private' })
  expect((await ben.call('GET', path)).status).toBe(404)
  expect(await edit({ title: 'Third' }, first.version)).toBe(409)
  expect(await edit({ visibility: 'public' }, (await seen()).version)).toBeLessThan(300)
  const second = await seen()
  expect(second.visibility).toBe('public')

  // Another process takes a report of it.
  const elsewhere = openTracks(veza.codec)
  const reporter = { userId: ben.userId, moderator: false }
  const { version } = await elsewhere.execute(database.db, trackId, {
    ...{ type: 'report', actor: reporter, reason: 'spam', at: new Date() },
  })
  expect((await seen()).version).toBe(second.version)
  caches.changed([{ tag: `track:${trackId}`, version }])
  expect((await seen(ben)).version).toBe(version)

  await ben.call('PUT', `${path}/like`)
  expect(await seen(ben)).toMatchObject({ likes: 1, liked: true })
  expect(await seen(ana)).toMatchObject({ likes: 1, liked: false })
  await ben.call('DELETE', `${path}/like`)
  expect(await seen(ben)).toMatchObject({ likes: 0, liked: false })

  // A playlist with it.
  const list = (
    await ana.call<{ id: string }>('POST', '/v1/playlists', { title: 'One', visibility: 'public' })
  ).body
  const listPath = `/v1/playlists/${list.id}`
  const shown = async (person = ben) =>
    (await person.call<{ title: string; tracks: { id: string }[] }>('GET', listPath)).body
  expect(await shown()).toMatchObject({ title: 'One', tracks: [] })
  expect((await ana.call('PUT', `${listPath}/tracks/${trackId}`, {})).status).toBeLessThan(300)
  expect(await shown()).toMatchObject({ tracks: [{ id: trackId, title: second.title }] })
  const act = { actorId: ana.userId, at: new Date() }
  const lists = openPlaylists(database.db, veza.codec)
  await lists.execute(list.id, { type: 'edit', ...act, changes: { title: 'Two' } }, { metadata: {} })
  expect(await shown()).toMatchObject({ title: 'One' })
  const toldOfList = async () => {
    const events = eventStore({ topic: topics.tracksEvents, codec: veza.codec })
    caches.changed([
      {
        tag: `playlist:${list.id}`,
        version: await events.currentVersion(database.db, playlistStream(list.id)),
      },
    ])
  }
  await toldOfList()
  expect(await shown()).toMatchObject({ title: 'Two' })

  await database.pool.query('insert into relations.blocks values ($1, $2)', [ana.userId, ben.userId])
  expect((await ben.call('GET', path)).status).toBe(404)
  expect((await ben.call('GET', listPath)).status).toBe(404)
  expect((await ana.call('DELETE', path)).status).toBe(204)
  expect((await ana.call('GET', path)).status).toBe(404)
  expect(await shown(ana)).toMatchObject({ tracks: [] })
  await lists.execute(list.id, { type: 'delete', ...act }, { metadata: {} })
  await toldOfList()
  expect((await ana.call('GET', listPath)).status).toBe(404)
})
