import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { probeAudio } from '@veza/kit/media'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decode, meter } from '../testing/meter.ts'
import { produce, type Produced } from './produce.ts'
import { recipe } from './recipe.ts'

const run = promisify(execFile)
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-loudness-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

interface Sounding {
  readonly expression: string
  readonly rate?: number
  /** Loudness is that of blocks of 0.4 s: of a few seconds there are enough. */
  readonly seconds?: number
  /** What voices and instruments do to noise: of white noise AAC at 96 kb/s leaves out what lies above 15 kHz. */
  readonly filter?: string
}

/** Sounds that differ in what makes loudness hard: level, peaks, range, spectrum, channels, rate. Left | right. */
const corpus: Readonly<Record<string, Sounding>> = {
  'tones with a little noise': {
    expression: '0.2*sin(2*PI*440*t)+0.02*(2*random(0)-1)|0.2*sin(2*PI*554*t)+0.02*(2*random(1)-1)',
  },
  'hardly to be heard': { expression: '0.003*sin(2*PI*330*t)|0.003*sin(2*PI*331*t)' },
  'clipped by its master': {
    expression:
      'clip(3*sin(2*PI*110*t)+2*sin(2*PI*523*t),-1,1)|clip(3*sin(2*PI*111*t)+2*sin(2*PI*659*t),-1,1)',
  },
  'clicks over silence': {
    expression: 'if(lt(mod(n,24000),3),0.95,0.002*sin(2*PI*200*t))|if(lt(mod(n,24000),2),-0.95,0)',
  },
  'drums: short and full of peaks': {
    expression:
      '0.9*exp(-30*mod(t,0.5))*(2*random(0)-1)+0.02*sin(2*PI*60*t)|0.9*exp(-30*mod(t,0.5))*(2*random(1)-1)',
    filter: 'lowpass=f=5000:p=1',
  },
  'quiet for long, then loud': {
    expression: 'if(lt(t,3),0.01,0.7)*sin(2*PI*300*t)|if(lt(t,3),0.01,0.7)*sin(2*PI*450*t)',
  },
  'bass alone': { expression: '0.8*sin(2*PI*45*t)|0.8*sin(2*PI*45*t+1)' },
  'treble alone': { expression: '0.3*sin(2*PI*9000*t)|0.3*sin(2*PI*11000*t)' },
  'noise, as of the sea': {
    expression: '0.7*(2*random(0)-1)|0.7*(2*random(1)-1)',
    filter: 'lowpass=f=1000:p=1',
  },
  'one side alone': { expression: '0.4*sin(2*PI*500*t)+0.1*(2*random(0)-1)|0' },
  'with pauses, as speech has': {
    expression:
      '0.3*gt(sin(2*PI*0.7*t),0)*sin(2*PI*180*t)*(2*random(0)-1)|0.3*gt(sin(2*PI*0.7*t),0)*sin(2*PI*180*t)*(2*random(1)-1)',
    filter: 'lowpass=f=2000,lowpass=f=4000',
  },
  'a sweep at 96 kHz': {
    expression: '0.5*sin(2*PI*(50*t+480*t*t))|0.5*sin(2*PI*(60*t+430*t*t))',
    rate: 96_000,
  },
  'at 22.05 kHz': {
    expression: '0.25*sin(2*PI*700*t)+0.1*(2*random(0)-1)|0.25*sin(2*PI*710*t)+0.1*(2*random(1)-1)',
    rate: 22_050,
  },
}

const make = async (
  name: string,
  { expression, rate = 44_100, filter = 'anull', seconds = 5 }: Sounding,
): Promise<string> => {
  const path = join(dir, `${name.replaceAll(/\W+/g, '-')}.wav`)
  const source = `aevalsrc=exprs='${expression}':s=${rate}:d=${seconds}`
  await run('ffmpeg', [
    ...[
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      source,
      '-af',
      filter,
      '-c:a',
      'pcm_s24le',
      '-bitexact',
      path,
    ],
  ])
  return path
}

const transcode = async (path: string): Promise<Produced> => {
  const workDir = await mkdtemp(join(dir, 'job-'))
  const probed = await probeAudio(path, { maxDurationSeconds: 60 }, { cwd: workDir })
  return produce({ path, probed }, { workDir, maxDurationSeconds: 60, stallMs: 20_000 })
}

describe('measured by a meter that is not FFmpeg’s', () => {
  it.each(Object.entries(corpus))(
    '%s is as loud as it is to be, and its peaks stay below the ceiling',
    async (name, sounding) => {
      const path = await make(name, sounding)
      const source = await meter(await decode(path))
      const made = await transcode(path)
      const wanted = Math.min(recipe.targetLoudness, source.integrated + recipe.peakCeiling - source.truePeak)
      for (const rendition of recipe.renditions) {
        const heard = await meter(await decode(join(made.dir, rendition.name, 'index.m3u8')))
        expect(Math.abs(heard.integrated - wanted), `${rendition.name}: LU from the target`).toBeLessThan(0.5)
        expect(heard.truePeak, `${rendition.name}: dBTP`).toBeLessThanOrEqual(-0.5)
      }
    },
  )
})

/** Hz: FFmpeg's AAC encoder leaves out what lies above, by the bits that it has. */
const cutOffs = { '96k': 15_000, '160k': 17_000, '256k': 20_000 } as const

it('white noise comes out quieter by what AAC leaves out of it, and by nothing else', async () => {
  const path = await make('white noise', { expression: '0.2*(2*random(0)-1)|0.2*(2*random(1)-1)' })
  const made = await transcode(path)
  const whole = await meter(await decode(path))
  for (const { name } of recipe.renditions) {
    const below = `firequalizer=gain='if(lt(f,${cutOffs[name]}),0,-100)':accuracy=2`
    const left = await meter(await decode(path, below))
    const heard = await meter(await decode(join(made.dir, name, 'index.m3u8')))
    expect(Math.abs(heard.integrated - left.integrated - made.gain), name).toBeLessThan(0.5)
    if (name === '96k') expect(whole.integrated - left.integrated).toBeGreaterThan(1.5)
  }
})

describe('without a gap', () => {
  it('a rendition has every sample of its source in its place, by what track.json says of it', async () => {
    // On both sides of where one segment ends and the next begins, 288,000.
    const clicks = [20_000, 287_000, 320_000]
    const at = clicks.map((n) => `eq(n,${n})`).join('+')
    const expression = `if(${at},0.9,0.02*sin(2*PI*440*t))`
    const made = await transcode(
      await make('places', { expression: `${expression}|${expression}`, rate: 48_000, seconds: 7 }),
    )
    const described = JSON.parse(await readFile(join(made.dir, 'track.json'), 'utf8')) as {
      primingSamples: number
      samples: number
    }
    expect(described.samples).toBe(7 * 48_000)
    for (const file of ['96k/index.m3u8', '160k/index.m3u8', '256k/index.m3u8', 'progressive.mp4']) {
      const { left } = await decode(join(made.dir, file))
      const { primingSamples, samples } = described
      expect(left.length, `${file}: nothing is cut off at its end`).toBeGreaterThanOrEqual(
        primingSamples + samples,
      )
      // A frame of AAC is 1,024 samples: no more than one is filled up.
      expect(left.length).toBeLessThan(primingSamples + samples + 1_024)
      const sound = left.subarray(primingSamples, primingSamples + samples)
      const found = clicks.map((n) => {
        const near = sound.subarray(n - 2_000, n + 2_000).map(Math.abs)
        return n - 2_000 + near.indexOf(near.reduce((a, b) => Math.max(a, b)))
      })
      // At 96 kb/s a click is spread over its neighbours.
      found.forEach((n, index) => {
        expect(Math.abs(n - (clicks[index] ?? 0)), `${file}: ${n}`).toBeLessThanOrEqual(2)
      })
    }
  })
})
