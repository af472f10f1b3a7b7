import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAudio, startS3, type S3Server } from '@veza/kit/testing'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startOwnVeza } from '../stack/veza.ts'
import { register } from '../support/api.ts'
import { listen, readTrack, startPlayback, uploadTrack } from '../support/audio.ts'

let dir: string
let s3: S3Server
let veza: Awaited<ReturnType<typeof startOwnVeza>> | undefined
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-audio-s3-'))
  s3 = await startS3(join(dir, 'store'))
  veza = await startOwnVeza('s3', {
    ...{ S3_ENDPOINT: s3.endpoint, S3_BUCKET: s3.bucket },
    ...{ S3_ACCESS_KEY_ID: s3.accessKeyId, S3_SECRET_ACCESS_KEY: s3.secretAccessKey },
  })
})
afterAll(async () => {
  await veza?.stop()
  await s3.close()
  await rm(dir, { recursive: true })
})

it('a file goes into an S3 store and is heard through Veza, and from the store itself where clients reach that', async () => {
  if (veza === undefined) throw new Error('Veza does not run')
  const { http } = veza.endpoints
  const ann = await register(http, 'Ann')
  const trackId = await uploadTrack(
    http,
    ann,
    await makeAudio(dir, 'song.flac', { seconds: 20, volume: -26 }),
  )
  const track = await vi.waitFor(
    async () => {
      const found = await readTrack(http, ann, trackId)
      expect(found.status).not.toBe('processing')
      return found
    },
    { timeout: 60_000, interval: 200 },
  )
  expect(track).toMatchObject({ status: 'ready', duration: 20 })
  expect(await readdir(join(veza.stack.audioFolder, 'objects')).catch(() => [])).toEqual([])

  const sent = await veza.another('http', { S3_PUBLIC: 'true' })
  for (const [at, status] of [
    [http, 200],
    [`http://127.0.0.1:${String(sent.port)}`, 302],
  ] as const) {
    const { hlsUrl, progressiveUrl } = await startPlayback(at, ann, trackId)
    const segment = await fetch(hlsUrl.replace('master.m3u8', '160k/0000.m4s'), { redirect: 'manual' })
    expect(segment.status).toBe(status)
    if (status === 302) expect(segment.headers.get('location')).toContain(s3.endpoint)
    for (const url of [hlsUrl, progressiveUrl]) {
      const { warnings, seconds } = await listen(url)
      // Sent elsewhere, FFmpeg asks for the next segment on the connection to there, says so, and opens another.
      const heard = warnings.replaceAll(
        /^.*(?:keepalive request failed|Cannot reuse HTTP connection) .*\n/gm,
        '',
      )
      expect([url, heard, Math.round(seconds)]).toEqual([url, '', 20])
    }
  }
})
