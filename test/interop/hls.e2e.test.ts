import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeAudio } from '@veza/kit/testing'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { register } from '../support/api.ts'
import { readTrack, startPlayback, uploadTrack } from '../support/audio.ts'
import { listenByGStreamer } from './gstreamer.ts'

const rate = 48_000
const seconds = 15
/** A frame of AAC. */
const frame = 1_024

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-hls-'))
})
afterAll(() => rm(dir, { recursive: true }))

const decodeSource = async (path: string): Promise<Int16Array> => {
  const { stdout } = await promisify(execFile)(
    'ffmpeg',
    ['-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-ar', String(rate), 'pipe:1'],
    { encoding: 'buffer', maxBuffer: 10_000_000 },
  )
  return new Int16Array(new Uint8Array(stdout).buffer)
}

/** Cosine of the angle between two sounds: 1 for the same at whatever level. */
const likeness = (one: Int16Array, other: Int16Array): number => {
  let [both, ones, others] = [0, 0, 0]
  for (let n = 0; n < one.length; n++) {
    const [a, b] = [one[n] ?? 0, other[n] ?? 0]
    both += a * b
    ones += a * a
    others += b * b
  }
  return both / Math.sqrt(ones * others)
}

/** By how many samples a stretch of the source, from `at`, comes later in what was heard, and how much alike they are. */
const place = (source: Int16Array, heard: Int16Array, at: number): { lag: number; likeness: number } => {
  const stretch = source.subarray(at, at + 4_096)
  const found = Array.from({ length: 4 * frame + 1 }, (_, index) => {
    const lag = index - 2 * frame
    return { lag, likeness: likeness(stretch, heard.subarray(at + lag, at + lag + stretch.length)) }
  })
  return found.reduce((best, each) => (each.likeness > best.likeness ? each : best))
}

it('GStreamer plays every rendition without a warning, each moment of its source in its place', async () => {
  const { http } = inject('veza')
  const ann = await register(http, 'Ann')
  const path = await makeAudio(dir, 'source.flac', { seconds, volume: -10 })
  const trackId = await uploadTrack(http, ann, path)
  await vi.waitFor(
    async () => {
      expect((await readTrack(http, ann, trackId)).status).toBe('ready')
    },
    { timeout: 60_000, interval: 200 },
  )
  const source = await decodeSource(path)
  const { hlsUrl } = await startPlayback(http, ann, trackId)
  for (const name of ['96k/index', '160k/index', '256k/index']) {
    const { samples, warnings } = await listenByGStreamer(
      hlsUrl.replace('master', name),
      join(dir, `${name.replace('/', '-')}.pcm`),
    )
    expect(warnings, name).toBe('')
    expect(Math.abs(samples.length - source.length), name).toBeLessThanOrEqual(frame)
    const places = [1, 7, 13].map((second) => place(source, samples, second * rate))
    for (const { lag, likeness: alike } of places) {
      expect(alike, name).toBeGreaterThan(0.98)
      expect(lag, `${name}: nothing left out, nothing twice`).toBe(places[0]?.lag)
    }
  }
})
