import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAnswer, startUsers, type UsersFixture } from './testing/users-fixture.ts'

let fixture: UsersFixture
beforeAll(async () => {
  fixture = await startUsers()
})
afterAll(() => fixture.close())

interface AvatarBody {
  avatar: Record<string, string> | null
}

const size = { width: 900, height: 600 }
const picture = () =>
  sharp({ create: { ...size, channels: 3, background: { r: 200, g: 30, b: 30 } } }).withExif({
    IFD0: { Copyright: 'a secret place' },
    IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 30/1 0/1' },
  })

const put = (
  one: { call: Awaited<ReturnType<UsersFixture['person']>>['call'] },
  bytes: Uint8Array,
  type: string,
) => one.call<AvatarBody & { code?: string }>('PUT', '/v1/users/me/avatar', bytes, { 'content-type': type })

const get = async (path: string) => {
  const response = await fixture.users.app.request(path)
  return { response, bytes: Buffer.from(await response.clone().arrayBuffer()) }
}

describe('a picture', () => {
  it.each([
    ['image/png', () => picture().png().toBuffer()],
    ['image/jpeg', () => picture().jpeg().toBuffer()],
    ['image/webp', () => picture().webp().toBuffer()],
  ] as const)(
    'of type %s is served square, in three sizes, without what the file said beside it',
    async (type, make) => {
      const ana = await fixture.person()
      const sent = await make()
      const { status, body } = await put(ana, sent, type)
      expect(status).toBe(200)
      expect(Object.keys(body.avatar ?? {})).toEqual(['64', '256', '512'])
      for (const [pixels, path] of Object.entries(body.avatar ?? {})) {
        const { response, bytes } = await get(path)
        expect(response.headers.get('content-type')).toBe('image/webp')
        expect(response.headers.get('cache-control')).toContain('max-age=86400')
        const { width, height, format, exif } = await sharp(bytes).metadata()
        expect({ width, height, format, exif }).toEqual({
          width: Number(pixels),
          height: Number(pixels),
          format: 'webp',
          exif: undefined,
        })
        expect(bytes.includes('secret place')).toBe(false)
      }
    },
  )

  it('is turned the right way up', async () => {
    const ana = await fixture.person()
    // Red left, blue right; EXIF says that it has to be turned by 180 degrees.
    const red = await sharp({ create: { width: 50, height: 100, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    const sent = await sharp({ create: { width: 100, height: 100, channels: 3, background: 'blue' } })
      .composite([{ input: red, left: 0, top: 0 }])
      .jpeg({ quality: 100 })
      .withMetadata({ orientation: 3 })
      .toBuffer()
    const { body } = await put(ana, sent, 'image/jpeg')
    const { bytes } = await get(body.avatar?.['64'] ?? '')
    const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
    expect(data[2]).toBeGreaterThan(150)
    expect(data[0]).toBeLessThan(100)
  })

  it('is in the profile, and takes the place of the one before', async () => {
    const ana = await fixture.person()
    const first = await put(ana, await picture().png().toBuffer(), 'image/png')
    const second = await put(ana, await picture().png().toBuffer(), 'image/png')
    expect(second.body.avatar).not.toEqual(first.body.avatar)
    expect((await ana.call<AvatarBody>('GET', '/v1/users/me')).body.avatar).toEqual(second.body.avatar)
    expect((await get(first.body.avatar?.['64'] ?? '')).response.status).toBe(404)
    expect((await get(second.body.avatar?.['64'] ?? '')).response.status).toBe(200)
  })

  it('is gone when it is taken away, however often', async () => {
    const ana = await fixture.person()
    const { body } = await put(ana, await picture().png().toBuffer(), 'image/png')
    for (let n = 0; n < 2; n++) expect((await ana.call('DELETE', '/v1/users/me/avatar')).status).toBe(204)
    expect((await get(body.avatar?.['256'] ?? '')).response.status).toBe(404)
    expect((await ana.call<AvatarBody>('GET', '/v1/users/me')).body.avatar).toBeNull()
  })

  it('lies in the database in a form that nobody can look at', async () => {
    const ana = await fixture.person()
    await put(ana, await picture().png().toBuffer(), 'image/png')
    const rows = await fixture.db
      .selectFrom('avatars')
      .select('content')
      .where('user_id', '=', ana.userId)
      .execute()
    expect(rows).toHaveLength(3)
    for (const { content } of rows) expect(content.includes('WEBP')).toBe(false)
  })

  it.each([
    ['text', Buffer.from('no picture'), 'image/png'],
    ['nothing', Buffer.of(), 'image/png'],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'image/png'],
  ])('is refused when it is %s', async (_, bytes, type) => {
    const ana = await fixture.person()
    expect(await put(ana, bytes, type)).toMatchObject({ status: 400, body: { code: 'picture-invalid' } })
  })

  it('is refused when it is cut, or too large to be decoded', async () => {
    const ana = await fixture.person()
    const whole = await picture().png().toBuffer()
    expect(await put(ana, whole.subarray(0, whole.length / 2), 'image/png')).toMatchObject({
      body: { code: 'picture-invalid' },
    })
    const bomb = await sharp({ create: { width: 6_000, height: 6_000, channels: 3, background: 'red' } })
      .png({ compressionLevel: 9 })
      .toBuffer()
    expect(bomb.length).toBeLessThan(1_000_000)
    expect(await put(ana, bomb, 'image/png')).toMatchObject({ body: { code: 'picture-invalid' } })
  })

  it('is refused by type and by size before it is looked at', async () => {
    const ana = await fixture.person()
    expect(await put(ana, Buffer.from('GIF89a'), 'image/gif')).toMatchObject({
      status: 415,
      body: { code: 'unsupported-media-type' },
    })
    const response = await fixture.users.app.request('/v1/users/me/avatar', {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${ana.token}`,
        'content-type': 'image/png',
        'content-length': String(9 * 1024 * 1024),
      },
      body: new Uint8Array(8),
    })
    expect(await readAnswer(response)).toMatchObject({ status: 413, body: { code: 'body-too-large' } })
  })

  it('is not there in a size that is none', async () => {
    const ana = await fixture.person()
    const { body } = await put(ana, await picture().png().toBuffer(), 'image/png')
    const path = body.avatar?.['64'] ?? ''
    expect((await get(path.replace('64.webp', '65.webp'))).response.status).toBe(404)
  })
})
