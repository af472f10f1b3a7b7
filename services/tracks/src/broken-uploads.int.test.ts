import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAudio } from '@veza/kit/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { probeFolder } from './commands/finish-upload.ts'
import { type TrackBody } from './testing/tracks-and-jobs.ts'
import { tracksUnderTest, type TracksUnderTest } from './testing/tracks-under-test.ts'

let veza: TracksUnderTest
let dir: string
let song: Buffer

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-uploads-'))
  veza = await tracksUnderTest()
  song = await readFile(await makeAudio(dir, 'song.mp3', { seconds: 3 }))
})
afterAll(async () => {
  await veza.close()
  await rm(dir, { recursive: true })
})

describe('what a crash or a bad line leaves', () => {
  /** Sends the beginning of a piece and then nothing. */
  const halfPatch = (url: string, location: string, authorization: string, bytes: Buffer, whole: number) => {
    const { port } = new URL(url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `PATCH ${location} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\n` +
        `content-type: application/offset+octet-stream\r\ncontent-length: ${whole}\r\n\r\n`,
    )
    socket.write(bytes)
    return socket
  }

  /** Until so much of a piece lies in the upload's file. */
  const arrived = (location: string, bytes: number) =>
    vi.waitFor(async () => {
      const file = join(veza.settings.UPLOADS_DIR, location.split('/').at(-1) ?? '')
      expect((await readFile(file)).length).toBe(bytes)
    })

  it('is a piece cut off: what arrived of it is kept, and its lock is free at once', async () => {
    const ana = await veza.person()
    const location = (await ana.begin(song.length)).headers.get('location') ?? ''
    const socket = halfPatch(veza.url, location, ana.authorization, song.subarray(0, 10_000), song.length)
    await arrived(location, 10_000)
    socket.destroy()
    expect((await ana.tus('HEAD', location)).headers.get('upload-offset')).toBe('10000')
    const rest = song.subarray(10_000)
    expect((await ana.tus('PATCH', location, { 'upload-offset': '10000' }, rest)).status).toBe(204)
    const trackId = location.split('/').at(-1) ?? ''
    expect((await ana.call<TrackBody>('GET', `/v1/tracks/${trackId}`)).status).toBe(200)
  })

  it('is a client that comes back by another process while the old connection hangs', async () => {
    const ana = await veza.person()
    const other = await veza.open()
    const location = (await ana.begin(song.length)).headers.get('location') ?? ''
    const socket = halfPatch(veza.url, location, ana.authorization, song.subarray(0, 10_000), song.length)
    await arrived(location, 10_000)
    // The first process holds the lock. It is asked for it, stores what has arrived, and lets go.
    const head = await ana.tus('HEAD', location, {}, undefined, other.url)
    expect([head.status, head.body, head.headers.get('upload-offset')]).toEqual([200, '', '10000'])
    const rest = song.subarray(10_000)
    const { status, headers } = await ana.tus(
      'PATCH',
      location,
      { 'upload-offset': '10000' },
      rest,
      other.url,
    )
    expect([status, headers.get('veza-track-id')]).toEqual([204, location.split('/').at(-1)])
    socket.destroy()
    await other.close()
  })

  it('is an upload that nobody goes on with: it expires', async () => {
    const ana = await veza.person()
    const location = (await ana.begin(song.length)).headers.get('location') ?? ''
    await veza.first.sweep()
    expect((await ana.tus('HEAD', location)).status).toBe(200)
    veza.setNow(new Date(Date.now() + 3_700_000))
    await veza.first.sweep()
    veza.setNow(undefined)
    expect((await ana.tus('HEAD', location)).status).toBe(404)
    expect(await readdir(veza.settings.UPLOADS_DIR)).not.toContain(location.split('/').at(-1))
  })

  it('is a folder in which a file was looked into: it is removed a day later', async () => {
    const [left, young] = [
      await mkdtemp(join(tmpdir(), probeFolder)),
      await mkdtemp(join(tmpdir(), probeFolder)),
    ]
    const long = new Date(Date.now() - 25 * 3_600_000)
    await utimes(left, long, long)
    await veza.open()
    await vi.waitFor(async () => {
      await expect(stat(left)).rejects.toThrow('ENOENT')
    })
    await rm(young, { recursive: true })
  })

  it('is a whole file that is no track: its client’s question or the sweep finishes it', async () => {
    const { Pool } = (await import('pg')).default
    const pool = new Pool({ connectionString: veza.database.url })
    const insert = (id: string, ownerId: string) =>
      pool.query(
        `insert into uploads values ($1, $2, $3, 'orphan.mp3', 'Orphan', 'public', now() - interval '10 minutes', now() + interval '1 hour')`,
        [id, ownerId, song.length],
      )
    // Others that nobody goes on with, more than are looked at together, and before the one.
    for (let n = 0; n < 120; n++)
      await insert(`00000000-0000-7000-8000-${String(n).padStart(12, '0')}`, randomUUID())
    for (const how of ['question', 'sweep']) {
      const ana = await veza.person()
      const id = randomUUID().replace(/^./, 'f')
      const path = join(veza.settings.UPLOADS_DIR, id)
      await writeFile(path, song)
      await insert(id, ana.userId)
      if (how === 'question') {
        expect((await ana.tus('HEAD', `/v1/uploads/${id}`)).headers.get('veza-track-id')).toBe(id)
      } else {
        // Whoever sent its last byte just now may be making a track of it.
        await veza.first.sweep()
        expect(await readdir(veza.settings.UPLOADS_DIR)).toContain(id)
        const long = new Date(Date.now() - 600_000)
        await utimes(path, long, long)
        await Promise.all([veza.first.sweep(), veza.first.sweep()])
      }
      expect((await ana.call<TrackBody>('GET', `/v1/tracks/${id}`)).body.title, how).toBe('Orphan')
      const { rows } = await pool.query(`select type from events.events where stream = $1 order by version`, [
        `track-${id}`,
      ])
      expect(rows.map((row: { type: string }) => row.type)).toEqual(['TrackUploaded', 'TranscodeRequested'])
    }
    await pool.end()
  })
})
