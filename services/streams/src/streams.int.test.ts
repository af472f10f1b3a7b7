import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCodec, topics } from '@veza/contracts'
import { serve } from '@veza/kit/http'
import { type OutgoingRecord, ProduceFailed, QueueFull } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { s3Objects } from '@veza/kit/objects'
import { createTokenSigner, infrastructure, startS3, testTelemetry } from '@veza/kit/testing'
import { createTokenVerifier } from '@veza/kit/tokens'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openStreams, type StreamsSettings } from './index.ts'

const media = `media/${'ab'.repeat(32)}`
const ownerId = randomUUID()
const segment = randomBytes(10_000)
const large = randomBytes(2_000_000)
const log = createLog('test', 'silent')
const telemetry = testTelemetry()
const closers: (() => unknown)[] = []
const sent: OutgoingRecord[] = []

let dir: string
let settings: StreamsSettings
let signer: Awaited<ReturnType<typeof createTokenSigner>>
let codec: Awaited<ReturnType<typeof connectCodec>>
/** What tracks answers; the tests' own, since another service is not this one's to start. */
let tracksAnswers: { status: number; body: unknown }
let asked = 0
/** What the producer of the service rejects with. */
let refusal: Error | undefined
let now = Date.now()
let url: string

const open = async (change: Partial<StreamsSettings> = {}) => {
  const streams = openStreams(
    { ...settings, ...change },
    {
      ...{ log, telemetry, codec, verifier: createTokenVerifier(signer), now: () => new Date(now) },
      kafka: {
        producer: () => ({
          send: (record) =>
            refusal === undefined ? Promise.resolve(void sent.push(record)) : Promise.reject(refusal),
          sendAll: () => Promise.resolve(),
          healthy: true,
          close: () => Promise.resolve(),
        }),
      },
    },
  )
  const server = await serve(streams.app, { host: '127.0.0.1', port: 0, first: streams.first })
  closers.push(
    () => server.close(100),
    () => streams.close(),
  )
  return `http://127.0.0.1:${server.port}`
}

beforeAll(async () => {
  const { schemaRegistryUrl } = infrastructure()
  codec = await connectCodec(schemaRegistryUrl)
  signer = await createTokenSigner()
  dir = await mkdtemp(join(tmpdir(), 'veza-streams-'))
  const tracks: Server = createServer((request, response) => {
    asked++
    request.resume()
    response.writeHead(tracksAnswers.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(tracksAnswers.body))
  })
  await new Promise<void>((resolve) => tracks.listen(0, '127.0.0.1', resolve))
  closers.push(() => tracks.close())
  settings = {
    ...{
      OBJECTS_DIR: join(dir, 'objects'),
      S3_ENDPOINT: undefined,
      S3_BUCKET: 'veza',
      S3_REGION: 'us-east-1',
    },
    ...{ S3_ACCESS_KEY_ID: undefined, S3_SECRET_ACCESS_KEY: undefined, S3_PUBLIC: false },
    ...{
      SERVICE_TOKEN: 'a-service-token-for-tests',
      STREAMS_PUBLIC_URL: undefined,
      STREAMS_SESSION: 3_600_000,
    },
    ...{ STREAMS_RECHECK: 5_000, STREAMS_MEMORY: 10_000_000, STREAMS_ACCEL_PREFIX: undefined },
    TRACKS_INTERNAL_URL: `http://127.0.0.1:${(tracks.address() as AddressInfo).port}`,
    ...{ CHAT_INTERNAL_URL: 'http://127.0.0.1:9', STREAMS_DATABASE_CONNECTIONS: 2 },
    STREAMS_DATABASE_URL: infrastructure().databaseUrl,
  }
  const folder = join(settings.OBJECTS_DIR, media)
  await mkdir(join(folder, '96k'), { recursive: true })
  await writeFile(join(folder, 'master.m3u8'), '#EXTM3U\n')
  await writeFile(join(folder, '96k/0000.m4s'), segment)
  await writeFile(join(folder, 'progressive.mp4'), large)
  await writeFile(join(folder, 'secret.txt'), 'not a file of a stream')
  url = await open()
})
beforeEach(() => {
  tracksAnswers = { status: 200, body: { trackId: 't', ownerId, media, durationMs: 240_000 } }
  now = Date.now()
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  await telemetry.close()
  await rm(dir, { recursive: true })
})

const person = async () => {
  const userId = randomUUID()
  const expiresAt = Math.floor(Date.now() / 1000) + 600
  const token = await signer.sign({ userId, name: 'Ana', roles: [], sessionId: randomUUID(), expiresAt })
  const post = async (path: string, body?: unknown, at = url) => {
    const response = await fetch(at + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, string> }
  }
  const play = async (at = url) => (await post(`/v1/tracks/${randomUUID()}/playback`, undefined, at)).body
  return { userId, post, play }
}

const file = (playback: Record<string, string>, path: string) =>
  (playback['hlsUrl'] ?? '').replace('master.m3u8', path)
const get = (target: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(target, { method, headers, redirect: 'manual' })

describe('a playback', () => {
  it('gives a path below which everything is heard without a token', async () => {
    const playback = await (await person()).play()
    expect(playback['hlsUrl']).toMatch(new RegExp(`^${url}/v1/streams/[\\w-]+/master.m3u8$`))
    const master = await get(playback['hlsUrl'] ?? '')
    expect([master.status, master.headers.get('content-type'), await master.text()]).toEqual([
      ...[200, 'application/vnd.apple.mpegurl', '#EXTM3U\n'],
    ])
    const response = await get(file(playback, '96k/0000.m4s'))
    expect(Buffer.from(await response.arrayBuffer()).equals(segment)).toBe(true)
    expect(response.headers.get('content-type')).toBe('audio/mp4')
    expect(response.headers.get('cache-control')).toContain('immutable')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const progressive = await get(playback['progressiveUrl'] ?? '')
    expect(Buffer.from(await progressive.arrayBuffer()).equals(large)).toBe(true)
  })

  it('is refused as tracks says', async () => {
    const { post } = await person()
    const begin = () => post(`/v1/tracks/${randomUUID()}/playback`)
    tracksAnswers = { status: 404, body: {} }
    expect((await begin()).body['code']).toBe('track-not-found')
    tracksAnswers = { status: 409, body: {} }
    expect((await begin()).body['code']).toBe('track-not-ready')
    tracksAnswers = { status: 500, body: {} }
    expect((await begin()).status).toBe(503)
    tracksAnswers = { status: 200, body: { media: '../../etc/passwd', durationMs: 1 } }
    expect((await begin()).status).toBe(503)
  })

  it('ends when its time is over, and cannot be made longer or made up', async () => {
    const playback = await (await person()).play()
    const master = playback['hlsUrl'] ?? ''
    const pass = playback['sessionId'] ?? ''
    for (const at of [0, 40, pass.length - 2]) {
      const other = pass[at] === 'A' ? 'B' : 'A'
      const forged = pass.slice(0, at) + other + pass.slice(at + 1)
      expect((await get(master.replace(pass, forged))).status).toBe(403)
    }
    expect((await get(master.replace(pass, 'x'))).status).toBe(403)
    expect(new Date(playback['expiresAt'] ?? '').getTime()).toBeGreaterThan(now + 3_600_000)
    now += 3_600_000 + 241_000
    expect((await get(master)).status).toBe(410)
  })

  it('is over within seconds when the track may not be heard any more', async () => {
    const playback = await (await person()).play()
    const target = file(playback, '96k/0000.m4s')
    expect((await get(target)).status).toBe(200)
    tracksAnswers = { status: 404, body: {} }
    expect((await get(target)).status).toBe(200)
    now += 5_001
    expect((await get(target)).status).toBe(404)
  })

  it('goes on while tracks is away, and asks it once for many segments', async () => {
    const playback = await (await person()).play()
    const target = file(playback, '96k/0000.m4s')
    const before = asked
    for (const response of await Promise.all(Array.from({ length: 20 }, () => get(target))))
      expect(response.status).toBe(200)
    expect(asked - before).toBe(1)
    tracksAnswers = { status: 500, body: {} }
    now += 60_000
    expect((await get(target)).status).toBe(200)
    now += 300_000
    expect((await get(target)).status).toBe(503)
  })

  it('that was taken away does not come back when tracks is away then', async () => {
    const target = file(await (await person()).play(), '96k/0000.m4s')
    const statuses: number[] = []
    for (const status of [200, 404, 500]) {
      if (status !== 200) tracksAnswers = { status, body: {} }
      statuses.push((await get(target)).status)
      now += 5_001
    }
    expect(statuses).toEqual([200, 404, 503])
  })
})

describe('a file', () => {
  it.each([
    ['bytes=0-99', 206, 'bytes 0-99/10000', [0, 100]],
    ['bytes=9990-', 206, 'bytes 9990-9999/10000', [9990, 10_000]],
    ['bytes=-10', 206, 'bytes 9990-9999/10000', [9990, 10_000]],
    ['bytes=9999-20000', 206, 'bytes 9999-9999/10000', [9999, 10_000]],
    ['Bytes=9999-99999999999999999999', 206, 'bytes 9999-9999/10000', [9999, 10_000]],
    ['bytes=10000-', 416, 'bytes */10000', undefined],
    ['bytes=-0', 416, 'bytes */10000', undefined],
    ['bytes=5-4', 200, null, [0, 10_000]],
    ['bytes=0-1,3-4', 200, null, [0, 10_000]],
    ['lines=0-1', 200, null, [0, 10_000]],
  ] as const)('asked for with Range %s', async (range, status, contentRange, slice) => {
    const response = await get(file(await (await person()).play(), '96k/0000.m4s'), { range })
    expect([response.status, response.headers.get('content-range')]).toEqual([status, contentRange])
    const body = Buffer.from(await response.arrayBuffer())
    if (slice !== undefined) expect(body.equals(segment.subarray(...slice))).toBe(true)
  })

  it('is heard by players of other origins, and so is why it is not', async () => {
    const playback = await (await person()).play()
    const target = file(playback, '96k/0000.m4s')
    const preflight = await get(
      target,
      {
        origin: 'https://example.org',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'range',
      },
      'OPTIONS',
    )
    expect([
      preflight.status,
      ...['origin', 'methods', 'headers'].map((name) =>
        preflight.headers.get(`access-control-allow-${name}`),
      ),
    ]).toEqual([204, '*', 'GET,HEAD', 'range'])
    const seen = async (path: string, headers: Record<string, string> = {}) => {
      const { status, headers: got } = await get(path, headers)
      return [status, got.get('access-control-allow-origin'), got.get('access-control-expose-headers')]
    }
    const open = ['*', 'Content-Length,Content-Range,ETag,Retry-After']
    expect(await seen(target)).toEqual([200, ...open])
    expect(await seen(target, { range: 'bytes=10000-' })).toEqual([416, ...open])
    expect(await seen(target.replace(playback['sessionId'] ?? '', 'x'))).toEqual([403, ...open])
    now += 3_600_000 + 241_000
    expect(await seen(target)).toEqual([410, ...open])
  })

  it('that is large comes in part too', async () => {
    const { progressiveUrl = '' } = await (await person()).play()
    const response = await get(progressiveUrl, { range: 'bytes=1000000-1000009' })
    expect(Buffer.from(await response.arrayBuffer()).equals(large.subarray(1_000_000, 1_000_010))).toBe(true)
  })

  it('that is in memory comes as it comes from the store', async () => {
    const playback = await (await person()).play()
    const at = await open()
    const target = file(playback, '96k/0000.m4s').replace(url, at)
    const answers = []
    for (let times = 0; times < 2; times++) {
      const response = await get(target)
      const headers = [...response.headers].filter(([name]) => name !== 'date').sort()
      const body = Buffer.from(await response.arrayBuffer())
      answers.push({ status: response.status, headers, same: body.equals(segment) })
    }
    expect(answers[0]).toMatchObject({ status: 200, same: true })
    expect(answers[1]).toEqual(answers[0])
  })

  it('is not sent again to whoever has it, nor in part of another version', async () => {
    const target = file(await (await person()).play(), '96k/0000.m4s')
    const head = await get(target, {}, 'HEAD')
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10000', ''])
    const part = await get(target, { range: 'bytes=0-99' }, 'HEAD')
    expect([part.status, part.headers.get('content-length')]).toEqual([200, '10000'])
    const etag = head.headers.get('etag') ?? ''
    expect((await get(target, { 'if-none-match': `"other", ${etag}` })).status).toBe(304)
    expect((await get(target, { 'if-none-match': `W/${etag}` })).status).toBe(304)
    expect((await get(target, { 'if-none-match': '"other"' })).status).toBe(200)
    for (const [tags, status] of [
      [`"other", ${etag}`, 200],
      ['*', 200],
      ['"other"', 412],
      [`W/${etag}`, 412],
    ] as const)
      expect((await get(target, { 'if-match': tags })).status).toBe(status)
    expect((await get(target, { range: 'bytes=0-1', 'if-range': etag })).status).toBe(206)
    expect((await get(target, { range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200)
  })

  it('that is none of a stream’s is not there', async () => {
    const playback = await (await person()).play()
    for (const path of ['secret.txt', '96k/0001.m4s', '..%2f..%2fsources', '96k/%2e%2e/secret.txt', '96k'])
      expect((await get(file(playback, path))).status, path).toBe(404)
  })

  it('that was swept after its player asked for its size is not there', async () => {
    const swept = join(settings.OBJECTS_DIR, media, '96k/0009.m4s')
    await writeFile(swept, segment)
    const target = file(await (await person()).play(), '96k/0009.m4s')
    expect((await get(target, {}, 'HEAD')).status).toBe(200)
    await rm(swept)
    for (const headers of [{}, { range: 'bytes=0-9' }]) expect((await get(target, headers)).status).toBe(404)
  })

  it('is handed over to a front server where there is one', async () => {
    const at = await open({ STREAMS_ACCEL_PREFIX: '/objects/' })
    const target = file(await (await person()).play(at), '96k/0000.m4s')
    // The second time it is known to be there.
    for (let times = 0; times < 2; times++) {
      const response = await get(target)
      expect([response.status, response.headers.get('x-accel-redirect'), await response.text()]).toEqual([
        ...[200, `/objects/${media}/96k/0000.m4s`, ''],
      ])
      expect(response.headers.get('content-type')).toBe('audio/mp4')
    }
    tracksAnswers = { status: 404, body: {} }
    now += 5_001
    expect((await get(target)).status).toBe(404)
  })

  it('is fetched from S3 by its clients where they reach it, but for playlists', async () => {
    const server = await startS3(join(dir, 's3'))
    const objects = s3Objects({ ...server, region: 'us-east-1', public: false })
    await objects.put(`${media}/96k/0000.m4s`, segment, 'audio/mp4')
    await objects.put(`${media}/master.m3u8`, Buffer.from('#EXTM3U\n'), 'application/vnd.apple.mpegurl')
    closers.push(
      () => {
        objects.close()
      },
      () => server.close(),
    )
    const at = await open({
      S3_ENDPOINT: server.endpoint,
      ...{ S3_ACCESS_KEY_ID: server.accessKeyId, S3_SECRET_ACCESS_KEY: server.secretAccessKey },
      S3_PUBLIC: true,
    })
    const playback = await (await person()).play(at)
    const response = await get(file(playback, '96k/0000.m4s'))
    expect(response.status).toBe(302)
    const there = await fetch(response.headers.get('location') ?? '')
    expect(Buffer.from(await there.arrayBuffer()).equals(segment)).toBe(true)
    expect(await (await get(playback['hlsUrl'] ?? '')).text()).toBe('#EXTM3U\n')
  })
})

describe('a report', () => {
  it('becomes an event of the track, in the name of whose session it is', async () => {
    const [ana, ben] = [await person(), await person()]
    const { sessionId } = await ana.play()
    const report = { sessionId, position: 12.5, state: 'playing' }
    expect((await ana.post('/v1/listening', report)).status).toBe(202)
    const record = sent.at(-1)
    const decoded = codec.decode(topics.listeningEvents, record?.value as Buffer)
    expect(decoded).toMatchObject({
      value: { listenerId: ana.userId, positionMs: 12_500, state: 'playing', durationMs: 240_000 },
    })
    expect(decoded).toMatchObject({
      value: { ownerId, addressTag: expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
    })
    expect('value' in decoded && decoded.value.trackId).toBe(record?.key)
    expect((await ben.post('/v1/listening', report)).body['code']).toBe('session-invalid')
    expect((await ana.post('/v1/listening', { ...report, sessionId: 'x' })).body['code']).toBe(
      'session-invalid',
    )
    expect((await ana.post('/v1/listening', { ...report, position: -1 })).status).toBe(400)
    now += 4_000_000
    expect((await ana.post('/v1/listening', report)).body['code']).toBe('session-expired')
  })

  it.each<[number, string, Error]>([
    [503, 'unavailable', new QueueFull()],
    [503, 'unavailable', new ProduceFailed('timed-out', 'no answer')],
    // What the broker will never take is no better in a moment.
    [500, 'internal', new ProduceFailed('too-large', 'too large')],
    [500, 'internal', new ProduceFailed('rejected', 'no right to write')],
  ])('that the broker has not is answered %i %s: %s', async (status, code, error) => {
    const ana = await person()
    const { sessionId } = await ana.play()
    refusal = error
    const answered = await ana.post('/v1/listening', { sessionId, position: 1, state: 'paused' })
    refusal = undefined
    expect([answered.status, answered.body['code']]).toEqual([status, code])
  })
})
