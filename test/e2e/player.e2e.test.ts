import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { register } from '../support/api.ts'
import { readTrack, startPlayback, uploadTrack } from '../support/audio.ts'
import { openWindow, startChromium } from '../support/chromium.ts'

const run = promisify(execFile)
const hlsScript = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js')
const seconds = 40

let browser: Browser
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-player-'))
  browser = await startChromium()
})
afterAll(async () => {
  await browser.close()
  await rm(dir, { recursive: true })
})

/** Hertz of the source at a time: another note every two seconds, none twice within eight. */
const noteAt = (at: number): number => 400 + 150 * (Math.floor(at / 2) % 4)

const makeSource = async (): Promise<string> => {
  const path = join(dir, 'notes.flac')
  // The noise below the notes is what a rendition's bits are for: a mere sine takes 44 kb/s of the 256 that it may have, and
  // hls.js orders renditions by what they take.
  const note = '0.2*sin(2*PI*(400+150*mod(floor(t/2),4))*t)+0.04*(2*random(0)-1)'
  await run('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', `aevalsrc=exprs='${note}|${note}':s=48000:d=${seconds}`, path],
  ])
  return path
}

/**
 * A player as hls.js's guide has it, in a page of another origin than Veza's, with what it plays heard by Web Audio. Passes
 * are renewed as they are for hls.js: every request goes to the newest one.
 */
const script = `
  window.player = { errors: [], levels: [], renewed: undefined }
  const audio = document.querySelector('audio')
  window.start = (url) => new Promise((resolve) => {
    const renew = (asked) => player.renewed === undefined ? asked
      : asked.replace(/\\/v1\\/streams\\/[^/]+\\//, new URL(player.renewed).pathname.replace(/[^/]+$/, ''))
    const hls = new Hls({ maxBufferLength: 6, backBufferLength: 0, xhrSetup(xhr, asked) { xhr.open('GET', renew(asked), true) } })
    player.hls = hls
    hls.on(Hls.Events.ERROR, (_, { details, fatal }) => player.errors.push([details, fatal]))
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => player.levels.push(hls.levels[level].uri.split('/').at(-2)))
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      // Until it is told of another: by itself it takes the best as soon as it knows how fast the line is.
      hls.loadLevel = 0
      resolve(hls.levels.length)
    })
    hls.loadSource(url)
    hls.attachMedia(audio)
    const context = new AudioContext()
    const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 })
    context.createMediaElementSource(audio).connect(analyser).connect(context.destination)
    void context.resume()
    const bins = new Float32Array(analyser.frequencyBinCount)
    player.hear = () => {
      analyser.getFloatFrequencyData(bins)
      const loudest = bins.indexOf(Math.max(...bins))
      return { at: audio.currentTime, hertz: loudest * context.sampleRate / analyser.fftSize, level: bins[loudest] }
    }
    void audio.play()
  })
`

interface Heard {
  readonly at: number
  readonly hertz: number
  readonly level: number
}

const hear = (page: Page): Promise<Heard> => page.evaluate('player.hear()')

/** Waits until it plays a note of the source at its time, at least `from` seconds into it. */
const hearNote = (page: Page, from: number, to = Infinity): Promise<Heard> =>
  vi.waitFor(
    async () => {
      const heard = await hear(page)
      expect(heard.at).toBeGreaterThan(from)
      expect(heard.at).toBeLessThan(to)
      // Two notes are in the ear at once just after one has ended.
      expect(heard.at % 2).toBeGreaterThan(0.6)
      expect(Math.abs(heard.hertz - noteAt(heard.at))).toBeLessThan(15)
      return heard
    },
    { timeout: 30_000, interval: 50 },
  )

it('hls.js plays a track in Chromium from sign-up to sound, seeks, changes rendition, renews its session', async () => {
  const { http } = inject('veza')
  const ann = await register(http, 'Ann')
  const trackId = await uploadTrack(http, ann, await makeSource(), { filename: 'notes.flac' })
  await vi.waitFor(
    async () => {
      expect((await readTrack(http, ann, trackId)).status).toBe('ready')
    },
    { timeout: 60_000, interval: 200 },
  )
  const first = await startPlayback(http, ann, trackId)
  const { page, errors } = await openWindow(browser, http)
  await page.setContent('<audio></audio>')
  await page.addScriptTag({ content: await readFile(hlsScript, 'utf8') })
  await page.addScriptTag({ content: script })
  expect(await page.evaluate(`start(${JSON.stringify(first.hlsUrl)})`), 'renditions').toBe(3)

  const begun = await hearNote(page, 0.5)
  expect(begun.level, 'dBFS of the note: it can be heard').toBeGreaterThan(-40)
  await page.evaluate('document.querySelector("audio").currentTime = 25')
  await hearNote(page, 25, 33)

  expect(await page.evaluate('player.levels')).toEqual(['96k'])
  await page.evaluate('player.hls.nextLevel = 2')
  await vi.waitFor(
    async () => {
      expect(await page.evaluate('player.levels.at(-1)')).toBe('256k')
    },
    { timeout: 30_000, interval: 100 },
  )
  await hearNote(page, 25)

  const second = await startPlayback(http, ann, trackId)
  expect(second.hlsUrl).not.toBe(first.hlsUrl)
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await page.evaluate(`player.renewed = ${JSON.stringify(second.hlsUrl)}`)
  await page.evaluate('document.querySelector("audio").currentTime = 4')
  await hearNote(page, 4, 12)
  const segments = asked.filter((url) => url.endsWith('.m4s'))
  expect(segments.length).toBeGreaterThan(0)
  for (const url of segments) expect(url).toContain(second.sessionId)
  expect(await page.evaluate('player.errors'), 'what hls.js had against it').toEqual([])
  expect(errors).toEqual([])
}, 120_000)
