import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeAudio } from '@veza/kit/testing'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { helper } from '../stack/helper-server.ts'
import { type Person, register, request } from '../support/api.ts'
import { listen, readTrack, startPlayback, uploadTrack } from '../support/audio.ts'
import { connect } from './people.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-audio-'))
})
afterAll(() => rm(dir, { recursive: true }))

const ready = (trackId: string, person: Parameters<typeof readTrack>[1]) =>
  vi.waitFor(
    async () => {
      const track = await readTrack(inject('veza').http, person, trackId)
      expect(track.status).not.toBe('processing')
      return track
    },
    { timeout: 60_000, interval: 200 },
  )

it('a file goes in by a tus client and comes out as a stream that plays', async () => {
  const { http } = inject('veza')
  const [ann, ben] = await Promise.all([register(http, 'Ann'), register(http, 'Ben')])
  const sdk = await connect(ann)
  const path = await makeAudio(dir, 'song.flac', { seconds: 60, volume: -26 })
  const trackId = await uploadTrack(http, ann, path, { filename: 'song.flac', title: 'Night drive' })

  const track = await ready(trackId, ann)
  expect(track).toMatchObject({ title: 'Night drive', status: 'ready', duration: 60 })
  await vi.waitFor(() => {
    const told = sdk.tracks.filter((news) => news.trackId === trackId)
    expect(told.map(({ status }) => status)).toContain('processing')
    expect(told.at(-1)).toMatchObject({ status: 'ready', percent: 100 })
  }, 20_000)

  const { hlsUrl, progressiveUrl, sessionId } = await startPlayback(http, ben, trackId)
  for (const url of [
    hlsUrl,
    progressiveUrl,
    ...['96k', '160k', '256k'].map((name) => hlsUrl.replace('master', `${name}/index`)),
  ]) {
    const { warnings, seconds } = await listen(url)
    expect(warnings, url).toBe('')
    expect(seconds).toBeCloseTo(60, 0)
  }
  const report = { sessionId, position: 12.5, state: 'playing' }
  expect((await request(http, 'POST', '/v1/listening', { token: ben.token, body: report })).status).toBe(202)
  expect((await request(http, 'POST', '/v1/listening', { token: ann.token, body: report })).status).toBe(403)

  const found = await request(http, 'GET', '/v1/tracks?q=nigt%20drive', { token: ben.token })
  expect(JSON.stringify(found.body)).toContain(trackId)

  // Made private, it is silent for others within seconds, and goes on for its owner.
  await request(http, 'PATCH', `/v1/tracks/${trackId}`, { token: ann.token, body: { visibility: 'private' } })
  await vi.waitFor(
    async () => {
      expect((await fetch(hlsUrl.replace('master.m3u8', '96k/0001.m4s'))).status).toBe(404)
    },
    { timeout: 10_000, interval: 250 },
  )
  const own = await startPlayback(http, ann, trackId)
  expect((await fetch(own.hlsUrl)).status).toBe(200)
})

it('a file of any name goes in by the lines of the README', async () => {
  const { http } = inject('veza')
  const ann = await register(http, 'Ann')
  const name = 'Ännchen von Tharau, sung by many people in the evening of the 29th of February 🎵.mp3'
  const path = await makeAudio(dir, name, { seconds: 1 })
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const [, lines = ''] = /## A file goes in[^#]*?```sh\n(.*?)```/s.exec(readme) ?? []
  const script = `V=${http}/v1; ANN=${ann.token}\n${lines.replace('FILE=song.mp3', 'FILE="$1"')}`
  const { stdout } = await promisify(execFile)('bash', ['-c', `${script}\necho; echo $TRACK`, 'bash', path])
  const trackId = stdout.trim().split('\n').at(-1) ?? ''
  expect(await ready(trackId, ann)).toMatchObject({ title: name.replace('.mp3', ''), status: 'ready' })
})

/** Follows who hears a track, by the SDK. `left`: the code with which that ended. */
const followTrack = async (person: Person, trackId: string) => {
  const { client } = await connect(person)
  const subscription = client.newSubscription(`track:${trackId}`)
  const counts: number[] = []
  subscription.on('publication', ({ data }) => counts.push((data as { listeners: number }).listeners))
  const left = new Promise<number>((resolve) =>
    subscription.on('unsubscribed', ({ code }) => {
      resolve(code)
    }),
  )
  subscription.subscribe()
  await subscription.ready(30_000)
  return { counts, left }
}

it('what a player reports is counted: live, in the statistics, and for its owner', async () => {
  const { http } = inject('veza')
  const [ann, ben] = await Promise.all([register(http, 'Ann'), register(http, 'Ben')])
  const trackId = await uploadTrack(http, ann, await makeAudio(dir, 'short.flac', { seconds: 4 }))
  await ready(trackId, ann)
  const { counts } = await followTrack(ann, trackId)
  const { sessionId } = await startPlayback(http, ben, trackId)
  const startedAt = Date.now()
  const report = async (state: string): Promise<void> => {
    const position = Math.min(4, (Date.now() - startedAt) / 1000)
    const body = { sessionId, position, state }
    expect((await request(http, 'POST', '/v1/listening', { token: ben.token, body })).status).toBe(202)
  }
  const read = async (path: string) => (await request(http, 'GET', path, { token: ann.token })).body
  const waiting = { timeout: 60_000, interval: 250 }
  const none = { impossible: 0, overlapping: 0, burst: 0 }
  // Half of it is a play; whoever says so before that time has passed is not believed.
  await vi.waitFor(async () => {
    await report('playing')
    expect(await read(`/v1/tracks/${trackId}/stats`)).toMatchObject({
      ...{ trackId, plays: 1, listenedSeconds: 4, apart: none, listeningNow: 1 },
      days: [{ plays: 1, listeners: 1 }],
    })
  }, waiting)
  await report('ended')
  // Live at once; that the statistics forget who listened half a minute ago is held by theirs.
  await vi.waitFor(() => {
    expect(counts.at(-1)).toBe(0)
  }, waiting)
  expect(counts).toContain(1)
  expect(await read('/v1/users/me/track-stats')).toMatchObject({
    ...{ total: { plays: 1, listenedSeconds: 4 }, tracks: [{ trackId, plays: 1 }] },
  })
  expect(JSON.stringify(await read('/v1/trending?limit=100'))).toContain(trackId)
})

it('who is blocked hears no more within seconds, nor does anybody of what is deleted', async () => {
  const { http } = inject('veza')
  const [ann, ben, cem] = await Promise.all([
    register(http, 'Ann'),
    register(http, 'Ben'),
    register(http, 'Cem'),
  ])
  const trackId = await uploadTrack(http, ann, await makeAudio(dir, 'mine.flac', { seconds: 4 }))
  await ready(trackId, ann)
  const listener = async (person: Person) => {
    const { hlsUrl } = await startPlayback(http, person, trackId)
    const segment = hlsUrl.replace('master.m3u8', '96k/0000.m4s')
    const status = async () => (await fetch(segment)).status
    expect(await status()).toBe(200)
    return { status, ...(await followTrack(person, trackId)) }
  }
  const [bens, cems] = await Promise.all([listener(ben), listener(cem)])
  const silent = (of: typeof bens) =>
    vi.waitFor(
      async () => {
        expect(await of.status()).toBe(404)
      },
      { timeout: 20_000, interval: 250 },
    )
  expect((await request(http, 'PUT', `/v1/users/${cem.id}/block`, { token: ann.token })).status).toBe(200)
  await silent(cems)
  expect(await cems.left).toBe(2000)
  expect(await bens.status()).toBe(200)
  expect((await request(http, 'DELETE', `/v1/tracks/${trackId}`, { token: ann.token })).status).toBe(204)
  await silent(bens)
  expect(await bens.left).toBe(2000)
})

it('the owner of a file that is cut to pieces is told why nothing came of it', async () => {
  const { http } = inject('veza')
  const ann = await register(http, 'Ann')
  const path = join(dir, 'not-a-song.mp3')
  await writeFile(path, 'this is not a song '.repeat(1_000))
  await expect(uploadTrack(http, ann, path, { filename: 'not-a-song.mp3' })).rejects.toThrow('not-audio')
})

it('a worker that is killed in the middle leaves no track behind: it has one outcome', async () => {
  const { http, helper: helperUrl, tracksDatabase } = inject('veza')
  const ann = await register(http, 'Ann')
  const pool = new pg.Pool({ connectionString: tracksDatabase })
  const path = await makeAudio(dir, 'long.wav', { seconds: 45 })
  const trackId = await uploadTrack(http, ann, path)
  await vi.waitFor(
    async () => {
      const { rows } = await pool.query('select state from transcode_jobs where track_id = $1', [trackId])
      expect(rows).toEqual([{ state: 'running' }])
    },
    { timeout: 20_000, interval: 50 },
  )
  await helper(helperUrl).act('transcode', 'kill')
  await helper(helperUrl).act('transcode', 'restart')
  expect(await ready(trackId, ann)).toMatchObject({ status: 'ready', duration: 45 })
  const { rows } = await pool.query<{ type: string }>(
    'select type from events.events where stream = $1 order by version',
    [`track-${trackId}`],
  )
  expect(rows.map(({ type }) => type)).toEqual(['TrackUploaded', 'TranscodeRequested', 'TrackReady'])
  await pool.end()
})
