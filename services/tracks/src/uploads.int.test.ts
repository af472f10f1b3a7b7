import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAudio } from '@veza/kit/testing'
import { Upload } from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { tracksUnderTest, type TracksUnderTest } from './testing/tracks-under-test.ts'

let veza: TracksUnderTest
let dir: string
let song: Buffer

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-uploads-'))
  veza = await tracksUnderTest()
  song = await readFile(
    await makeAudio(dir, 'song.mp3', {
      seconds: 3,
      extra: ['-metadata', 'title=By its tags', '-metadata', 'genre=Dub'],
    }),
  )
})
afterAll(async () => {
  await veza.close()
  await rm(dir, { recursive: true })
})

const filesLeft = async () => (await readdir(veza.settings.UPLOADS_DIR)).length

interface TrackBody {
  id: string
  ownerId: string
  title: string
  genre: string | null
  status: string
  visibility: string
}

describe('an upload', () => {
  it('becomes a track whose name is in the last answer', async () => {
    const ana = await veza.person()
    const { status, headers } = await ana.upload(song, {
      filename: 'C:\\music\\song.mp3',
      title: '  Night drive ',
    })
    expect(status).toBe(204)
    const trackId = headers.get('veza-track-id') ?? ''
    const { body } = await ana.call<TrackBody>('GET', `/v1/tracks/${trackId}`)
    expect(body).toMatchObject({
      ...{
        id: trackId,
        ownerId: ana.userId,
        title: 'Night drive',
        status: 'processing',
        visibility: 'public',
      },
    })
    const sha256 = createHash('sha256').update(song).digest('hex')
    expect((await readFile(join(veza.settings.OBJECTS_DIR, 'sources', sha256))).equals(song)).toBe(true)
    expect(await filesLeft()).toBe(0)
  })

  it('of a file that is there already is stored once, and stays when the other track goes', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const same = await readFile(await makeAudio(dir, 'same.mp3', { seconds: 2 }))
    const source = join(veza.settings.OBJECTS_DIR, 'sources', createHash('sha256').update(same).digest('hex'))
    const first = (await ana.upload(same)).headers.get('veza-track-id') ?? ''
    const { ino } = await stat(source)
    const second = (await ben.upload(same)).headers.get('veza-track-id') ?? ''
    await ana.call('DELETE', `/v1/tracks/${first}`)
    expect((await stat(source)).ino).toBe(ino)
    expect((await ben.call<TrackBody>('GET', `/v1/tracks/${second}`)).body.ownerId).toBe(ben.userId)
  })

  it('takes its title and genre from the tags, or the title from the name, when nobody says one', async () => {
    const ana = await veza.person()
    const untagged = await readFile(await makeAudio(dir, 'untagged.wav', { seconds: 1 }))
    for (const [file, metadata, title] of [
      [song, { filename: 'x.mp3' }, 'By its tags'],
      [untagged, { filename: 'Field recording.wav' }, 'Field recording'],
      [untagged, {}, 'Untitled'],
      [song, { title: ' One\0two\n' }, 'One two'],
      [song, { title: '\u200b' }, 'By its tags'],
    ] as const) {
      const { headers } = await ana.upload(file, metadata)
      const { body } = await ana.call<TrackBody>('GET', `/v1/tracks/${headers.get('veza-track-id') ?? ''}`)
      expect([body.title, body.genre]).toEqual([title, file === song ? 'Dub' : null])
    }
  })

  it('goes in by a published client, in pieces, and goes on after a cut', async () => {
    const ana = await veza.person()
    const big = await readFile(await makeAudio(dir, 'big.wav', { seconds: 8 }))
    let trackId: string | null = null
    const begin = (stopAt: number, previous?: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const upload = new Upload(big, {
          endpoint: `${veza.url}/v1/uploads`,
          headers: { authorization: ana.authorization },
          metadata: { filename: 'big.wav' },
          chunkSize: 300_000,
          retryDelays: null,
          ...(previous !== undefined && { uploadUrl: previous }),
          onChunkComplete(_size, accepted) {
            if (accepted < stopAt) return
            void upload.abort()
            resolve(upload.url ?? '')
          },
          onAfterResponse(_request, response) {
            trackId = response.getHeader('Veza-Track-Id') ?? trackId
          },
          onSuccess: () => {
            resolve(upload.url ?? '')
          },
          onError: reject,
        })
        upload.start()
      })
    const location = await begin(600_000)
    expect(trackId).toBeNull()
    await begin(Infinity, location)
    expect((await ana.call<TrackBody>('GET', `/v1/tracks/${String(trackId)}`)).status).toBe(200)
  })

  it('is told of again to a client that did not hear the last answer', async () => {
    const ana = await veza.person()
    const begun = await ana.begin(song.length)
    const location = begun.headers.get('location') ?? ''
    await ana.tus('PATCH', location, { 'upload-offset': '0' }, song)
    const head = await ana.tus('HEAD', location)
    expect([head.status, head.headers.get('upload-offset'), head.headers.get('veza-track-id')]).toEqual([
      ...[200, String(song.length), location.split('/').at(-1)],
    ])
    await ana.call('DELETE', `/v1/tracks/${location.split('/').at(-1) ?? ''}`)
    expect((await ana.tus('HEAD', location)).status).toBe(404)
  })

  it('is refused with the reason at once when it is no audio, and leaves nothing behind', async () => {
    const ana = await veza.person()
    const { status, body, headers } = await ana.upload(
      Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:/etc/passwd\n'),
      {
        filename: 'song.mp3',
      },
    )
    expect([status, body.code, headers.get('content-type')]).toEqual([
      422,
      'not-audio',
      'application/problem+json',
    ])
    expect(await filesLeft()).toBe(0)
    expect((await ana.call<{ tracks: unknown[] }>('GET', '/v1/tracks?scope=mine')).body.tracks).toEqual([])
  })

  it('is its owner’s alone, and nobody’s without a token', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const location = (await ana.begin(song.length)).headers.get('location') ?? ''
    for (const method of ['HEAD', 'PATCH', 'DELETE'])
      expect((await ben.tus(method, location, { 'upload-offset': '0' })).status, method).toBe(404)
    expect((await ben.tus('HEAD', '/v1/uploads/../../etc/passwd')).status).toBe(404)
    expect((await ben.tus('PATCH', '/v1/uploads/..%2f..%2fx', { 'upload-offset': '0' })).status).toBe(404)
    expect((await ana.tus('HEAD', location, { authorization: '' })).status).toBe(401)
    expect((await ana.tus('DELETE', location)).status).toBe(204)
    await vi.waitFor(async () => {
      expect((await ana.tus('HEAD', location)).status).toBe(404)
    })
  })

  it('has limits: of one file, of a person, of what is open, of what is unknown', async () => {
    const ana = await veza.person()
    expect((await ana.begin(5_000_001)).status).toBe(413)
    expect((await ana.tus('POST', '/v1/uploads', { 'upload-defer-length': '1' })).body.code).toBe(
      'length-required',
    )
    expect((await ana.begin(5_000_000)).status).toBe(201)
    const [one, two] = await Promise.all([ana.begin(3_000_000), ana.begin(3_000_000)])
    expect([one.status, two.status].sort()).toEqual([201, 413])
    expect([one, two].find(({ status }) => status === 413)?.body.code).toBe('quota-exceeded')
    expect((await ana.begin(1)).status).toBe(201)
    expect((await ana.begin(1)).body.code).toBe('too-many-uploads')
  })

  it('refuses a piece at the wrong place, and one that is longer than was said', async () => {
    const ana = await veza.person()
    const location = (await ana.begin(10)).headers.get('location') ?? ''
    const wrong = await ana.tus('PATCH', location, { 'upload-offset': '5' }, Buffer.alloc(5))
    expect([wrong.status, wrong.body.code]).toEqual([409, 'upload-offset-conflict'])
    const long = await ana.tus('PATCH', location, { 'upload-offset': '0' }, Buffer.alloc(11))
    expect([long.status, long.body.code]).toEqual([413, 'upload-too-large'])
  })

  it('tells browsers what they may do, and pages of other origins why not', async () => {
    const response = await fetch(`${veza.url}/v1/uploads`, {
      method: 'OPTIONS',
      headers: { origin: 'http://a.example' },
    })
    expect(response.status).toBe(204)
    expect(response.headers.get('tus-extension')).toBe('creation,creation-with-upload,termination,expiration')
    expect(response.headers.get('access-control-allow-headers')).toContain('Authorization')
    const ana = await veza.person()
    const refused = await ana.tus('HEAD', '/v1/uploads/x', { authorization: 'Bearer x' })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, '*'])
  })

  it('is asked for by the protocol, and what is not is a problem', async () => {
    const ana = await veza.person()
    const location = (await ana.begin(10)).headers.get('location') ?? ''
    const begin = (headers: Record<string, string>) => ana.tus('POST', '/v1/uploads', headers)
    const piece = { 'upload-offset': '0' }
    const refusals = [
      await begin({ 'upload-length': '1', 'tus-resumable': '' }),
      await begin({ 'upload-length': '1', 'tus-resumable': '2.0.0' }),
      await begin({ 'upload-length': '-1' }),
      await begin({ 'upload-length': '1', 'upload-metadata': 'title *' }),
      await begin({ 'upload-length': '1', 'upload-concat': 'partial' }),
      await ana.tus('PATCH', location, { ...piece, 'content-type': 'audio/mpeg' }, song.subarray(0, 5)),
      await begin({ 'upload-length': '1', 'x-http-method-override': 'TRACE' }),
    ]
    expect(refusals.map(({ status, body }) => [status, body.code])).toEqual([
      ...[
        [412, 'tus-version-required'],
        [412, 'tus-version-required'],
        [400, 'invalid-upload'],
        [400, 'invalid-upload'],
        [501, 'extension-not-supported'],
        [415, 'unsupported-media-type'],
        [405, 'method-not-allowed'],
      ],
    ])
    for (const { headers } of refusals) expect(headers.get('content-type')).toBe('application/problem+json')
    expect(refusals[0]?.headers.get('tus-version')).toBe('1.0.0')
  })

  it('goes by POST where nothing else passes, and then too is its owner’s alone', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const location = (await ana.begin(song.length)).headers.get('location') ?? ''
    const meant = (method: string) => ({
      ...{ 'x-http-method-override': method, 'upload-offset': '0' },
      'content-type': 'application/offset+octet-stream',
    })
    for (const method of ['PATCH', 'DELETE', 'HEAD'])
      expect((await ben.tus('POST', location, meant(method), Buffer.alloc(5))).status, method).toBe(404)
    const { status, headers } = await ana.tus('POST', location, meant('PATCH'), song)
    expect([status, headers.get('veza-track-id')]).toEqual([204, location.split('/').at(-1)])
  })

  it('goes with the request that begins it, whole or the first of it', async () => {
    const ana = await veza.person()
    const begin = (piece: Buffer) =>
      ana.tus(
        'POST',
        '/v1/uploads',
        { 'upload-length': String(song.length), 'content-type': 'application/offset+octet-stream' },
        piece,
      )
    const { status, headers } = await begin(song)
    const trackId = headers.get('veza-track-id') ?? ''
    expect([status, headers.get('location')]).toEqual([201, `/v1/uploads/${trackId}`])
    expect((await ana.call<TrackBody>('GET', `/v1/tracks/${trackId}`)).status).toBe(200)
    const first = await begin(song.subarray(0, 1_000))
    expect([first.status, first.headers.get('upload-offset')]).toEqual([201, '1000'])
    expect(first.headers.get('upload-expires')).not.toBeNull()
  })

  it('that was refused as it began takes no room', async () => {
    const ana = await veza.person()
    const headers = { 'upload-length': '5', 'content-type': 'application/offset+octet-stream' }
    const tooLong = () => ana.tus('POST', '/v1/uploads', headers, Buffer.alloc(10))
    for (let times = 0; times <= veza.settings.UPLOAD_MAX_OPEN; times++)
      expect((await tooLong()).body.code).toBe('upload-too-large')
  })

  it('waits while the disk is full', async () => {
    const ana = await veza.person()
    const location = (await ana.begin(song.length)).headers.get('location') ?? ''
    const file = join(veza.settings.UPLOADS_DIR, location.split('/').at(-1) ?? '')
    await rm(file)
    await symlink('/dev/full', file)
    const full = await ana.tus('PATCH', location, { 'upload-offset': '0' }, song)
    expect([full.status, full.body.code]).toEqual([507, 'disk-full'])
    await rm(file)
    await writeFile(file, '')
    expect((await ana.tus('PATCH', location, { 'upload-offset': '0' }, song)).status).toBe(204)
  })
})
