import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeAudio } from '@veza/kit/testing'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tracksUnderTest, type TracksUnderTest } from './testing/tracks-under-test.ts'

const run = promisify(execFile)
let veza: TracksUnderTest
let dir: string
let song: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-covers-test-'))
  veza = await tracksUnderTest()
  song = await makeAudio(dir, 'song.wav', { seconds: 1 })
})
afterAll(async () => {
  await veza.close()
  await rm(dir, { recursive: true })
})

interface Body {
  cover: Record<string, string> | null
  code?: string
}
type Person = Awaited<ReturnType<TracksUnderTest['person']>>

const colour = (background: string, width = 600, height = 600) =>
  sharp({ create: { width, height, channels: 3, background } }).withExif({
    IFD0: { Copyright: 'a secret place' },
  })

/** A file of sound that has a picture in it. */
const withPicture = async (ending: string, picture: Buffer, name = 'cover'): Promise<Buffer> => {
  const [image, path] = [join(dir, `${name}.png`), join(dir, `${name}.${ending}`)]
  await writeFile(image, picture)
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-i', song, '-i', image, '-map', '0', '-map', '1'],
    ...['-c:v', 'copy', '-disposition:v', 'attached_pic', path],
  ])
  return readFile(path)
}

const uploaded = async (person: Person, file: Buffer, metadata: Record<string, string> = {}) => {
  const { status, headers } = await person.upload(file, metadata)
  expect(status).toBe(204)
  return headers.get('veza-track-id') ?? ''
}
const coverOf = async (person: Person, trackId: string) =>
  (await person.call<Body>('GET', `/v1/tracks/${trackId}`)).body.cover

const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(new URL(path, veza.url), { headers })
  return { response, bytes: Buffer.from(await response.arrayBuffer()) }
}
const put = async (person: Person, trackId: string, picture: Buffer, type = 'image/png') => {
  const response = await fetch(new URL(`/v1/tracks/${trackId}/cover`, veza.url), {
    method: 'PUT',
    headers: { authorization: person.authorization, 'content-type': type },
    body: new Uint8Array(picture),
  })
  return { status: response.status, body: (await response.json()) as Body }
}
const red = async (path: string) => {
  const { data } = await sharp((await get(path)).bytes)
    .raw()
    .toBuffer({ resolveWithObject: true })
  return data[0] ?? 0
}

describe('a file that comes with a picture', () => {
  it.each(['mp3', 'm4a', 'flac'])(
    'of type %s shows it in three sizes, without what it said beside it',
    async (ending) => {
      const ana = await veza.person()
      const file = await withPicture(ending, await colour('#c81e1e').png().toBuffer())
      const cover = (await coverOf(ana, await uploaded(ana, file))) ?? {}
      expect(Object.keys(cover)).toEqual(['96', '320', '1024'])
      for (const [pixels, path] of Object.entries(cover)) {
        const { response, bytes } = await get(path)
        expect(response.headers.get('content-type')).toBe('image/webp')
        expect(response.headers.get('cache-control')).toBe('public, max-age=86400, immutable')
        const { width, height, format, exif } = await sharp(bytes).metadata()
        expect({ width, height, format, exif }).toEqual({
          ...{ width: Number(pixels), height: Number(pixels), format: 'webp', exif: undefined },
        })
        expect(bytes.includes('secret place')).toBe(false)
        const again = await get(path, { 'if-none-match': response.headers.get('etag') ?? '' })
        expect(again.response.status).toBe(304)
      }
    },
  )

  it('becomes a track without one when the picture is none, or one to choke on', async () => {
    const ana = await veza.person()
    const whole = await colour('red').png().toBuffer()
    const damaged = Buffer.concat([whole.subarray(0, 60), Buffer.alloc(500)])
    const bomb = await sharp({ create: { width: 6_000, height: 6_000, channels: 3, background: 'red' } })
      .png({ compressionLevel: 9 })
      .toBuffer()
    for (const [name, picture] of [
      ['damaged', damaged],
      ['bomb', bomb],
    ] as const) {
      // Taken by its name and its size alone: the bytes are put where those of a good picture were.
      const file = await withPicture('mp3', whole, name)
      const at = file.indexOf(whole)
      const tagged = Buffer.concat([
        file.subarray(0, at),
        picture.subarray(0, whole.length),
        Buffer.alloc(Math.max(0, whole.length - picture.length)),
        file.subarray(at + whole.length),
      ])
      expect(await coverOf(ana, await uploaded(ana, tagged)), name).toBeNull()
    }
    expect(await coverOf(ana, await uploaded(ana, await withPicture('mp3', bomb, 'large')))).toBeNull()
  })
})

describe('a track’s picture', () => {
  it('is its owner’s to set, to change and to take away', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const trackId = await uploaded(ana, await readFile(song))
    expect(await coverOf(ana, trackId)).toBeNull()
    const first = await put(ana, trackId, await colour('#000000', 900, 600).jpeg().toBuffer(), 'image/jpeg')
    expect(first.status).toBe(200)
    expect(await coverOf(ben, trackId)).toEqual(first.body.cover)
    const second = await put(ana, trackId, await colour('#ff0000').webp().toBuffer(), 'image/webp')
    const [old = '', fresh = ''] = [first.body.cover?.['320'], second.body.cover?.['320']]
    expect((await get(old)).response.status).toBe(404)
    expect(await red(fresh)).toBeGreaterThan(200)
    expect((await get(fresh.replace('320.webp', '321.webp'))).response.status).toBe(404)
    expect(await put(ben, trackId, await colour('red').png().toBuffer())).toMatchObject({
      ...{ status: 403, body: { code: 'not-owner' } },
    })
    for (let n = 0; n < 2; n++)
      expect((await ana.call('DELETE', `/v1/tracks/${trackId}/cover`)).status).toBe(204)
    expect(await coverOf(ana, trackId)).toBeNull()
    expect((await get(fresh)).response.status).toBe(404)
  })

  it('is refused by type, by size, and when it is no picture', async () => {
    const ana = await veza.person()
    const trackId = await uploaded(ana, await readFile(song))
    expect((await put(ana, trackId, Buffer.from('GIF89a'), 'image/gif')).status).toBe(415)
    expect(await put(ana, trackId, Buffer.from('<svg/>'))).toMatchObject({
      body: { code: 'picture-invalid' },
    })
    expect((await put(ana, trackId, Buffer.alloc(9 * 1024 * 1024))).status).toBe(413)
    const noise = await sharp(randomBytes(400 * 400 * 3), { raw: { width: 400, height: 400, channels: 3 } })
      .png()
      .toBuffer()
    expect(noise.length, 'more than other bodies may have').toBeGreaterThan(64 * 1024)
    expect((await put(ana, trackId, noise)).status).toBe(200)
  })

  it('is not shown while the track is taken down, nor when it is deleted', async () => {
    const [ana, moderator] = [await veza.person(), await veza.person(['moderator'])]
    const trackId = await uploaded(ana, await readFile(song))
    const path = (await put(ana, trackId, await colour('red').png().toBuffer())).body.cover?.['96'] ?? ''
    expect((await get(path)).response.status).toBe(200)
    await moderator.call('PUT', `/v1/tracks/${trackId}/takedown`, { reason: 'copyright' })
    expect((await get(path)).response.status).toBe(404)
    await moderator.call('DELETE', `/v1/tracks/${trackId}/takedown`)
    expect((await get(path)).response.status).toBe(200)
    await ana.call('DELETE', `/v1/tracks/${trackId}`)
    expect((await get(path)).response.status).toBe(404)
  })
})
