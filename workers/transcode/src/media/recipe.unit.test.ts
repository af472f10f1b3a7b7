import { currentRecipe } from '@veza/tracks/store'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bandwidthOf, masterPlaylist, readMediaPlaylist } from './playlists.ts'
import { gainOf, recipe } from './recipe.ts'
import { readSummary } from './measure.ts'
import { collectPeaks, waveformBinary, waveformJson } from './waveform.ts'

it('the recipe is the one that tracks ask for', () => {
  expect(recipe.version).toBe(currentRecipe)
})

describe('the gain', () => {
  it.each([
    ['brings a quiet track up to -14 LUFS', -23, -12, 9],
    ['brings a loud one down', -8, 0.3, -6],
    ['stops where the highest peak would pass -1 dBTP', -23, -4, 3],
    ['lets silence be', -70, -Infinity, 0],
    ['lets what is nearly silence be', -70.1, -65, 0],
  ])('%s', (_what, integrated, truePeak, gain) => {
    expect(gainOf({ integrated, truePeak, range: 0 })).toBe(gain)
  })

  it('never passes the target or the ceiling by more than its rounding', () => {
    const level = fc.double({ min: -69, max: 3, noNaN: true })
    fc.assert(
      fc.property(level, level, (integrated, truePeak) => {
        const gain = gainOf({ integrated, truePeak, range: 0 })
        expect(integrated + gain).toBeLessThanOrEqual(-14 + 0.0051)
        expect(truePeak + gain).toBeLessThanOrEqual(-1 + 0.0051)
      }),
    )
  })
})

describe('the summary of loudness', () => {
  const summary = (integrated: string, peak: string) =>
    `[x] t: 1 I: -99.0 LUFS LRA: 1.0 LU\n[Parsed_ebur128_3 @ 0x1] Summary:\n\n  Integrated loudness:\n    I:         ${integrated} LUFS\n    Threshold: -31.9 LUFS\n\n  Loudness range:\n    LRA:         4.5 LU\n    Threshold: -41.9 LUFS\n    LRA low:   -21.9 LUFS\n\n  True peak:\n    Peak:      ${peak} dBFS`

  it('is read from the end of what ffmpeg says', () => {
    expect(readSummary(summary('-21.9', '-13.3'))).toEqual({ integrated: -21.9, truePeak: -13.3, range: 4.5 })
    expect(readSummary(summary('-70.0', '-inf')).truePeak).toBe(-Infinity)
  })

  it('is missed when it is not there', () => {
    expect(() => readSummary('Conversion failed!')).toThrow('no summary')
  })
})

describe('a waveform', () => {
  const samplesOf = (values: readonly number[]): Buffer => {
    const buffer = Buffer.alloc(2 * values.length)
    for (const [index, value] of values.entries()) buffer.writeInt16LE(value, 2 * index)
    return buffer
  }

  it('has the lowest and the highest sample of each bucket', () => {
    const peaks = collectPeaks()
    peaks.add(samplesOf([...Array<number>(480).fill(256), ...Array<number>(479).fill(-512), 32_767]))
    expect(Array.from(peaks.finish().data)).toEqual([1, 1, -2, 127])
  })

  it('does not depend on how its samples are cut into pieces', () => {
    const samples = fc.array(fc.integer({ min: -32_768, max: 32_767 }), { minLength: 1, maxLength: 3_000 })
    const cuts = fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(samples, cuts, (values, lengths) => {
        const bytes = samplesOf(values)
        const whole = collectPeaks()
        whole.add(bytes)
        const pieces = collectPeaks()
        let at = 0
        for (let turn = 0; at < bytes.length; turn++) {
          const length = lengths[turn % lengths.length] ?? 1
          pieces.add(bytes.subarray(at, at + length))
          at += length
        }
        expect(pieces.samples).toBe(values.length)
        expect(pieces.finish(4)).toEqual(whole.finish(4))
      }),
    )
  })

  it('is merged to a bounded length, and keeps its extremes', () => {
    const peaks = collectPeaks()
    peaks.add(samplesOf(Array.from({ length: 48_000 }, (_, index) => (index === 30_000 ? -32_768 : 0))))
    const { data, samplesPerPixel } = peaks.finish(10)
    expect([data.length, samplesPerPixel]).toEqual([20, 4_800])
    expect(Math.min(...data)).toBe(-128)
  })

  it('is written as audiowaveform writes it', () => {
    const waveform = { samplesPerPixel: 480, sampleRate: 48_000, data: Int8Array.from([-1, 1, -128, 127]) }
    expect(JSON.parse(waveformJson(waveform))).toEqual({
      ...{ version: 2, channels: 1, sample_rate: 48_000, samples_per_pixel: 480, bits: 8, length: 2 },
      data: [-1, 1, -128, 127],
    })
    expect(waveformBinary(waveform).toString('hex')).toBe(
      '020000000100000080bb0000e00100000200000001000000ff01807f',
    )
  })
})

describe('playlists', () => {
  const written = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:6
#EXT-X-MAP:URI="init_0.mp4"
#EXTINF:6.016000,
0000.m4s
#EXTINF:0.010000,
0001.m4s
#EXT-X-ENDLIST
`

  it('are read for their segments', () => {
    expect(readMediaPlaylist(written)).toEqual({
      init: 'init_0.mp4',
      segments: [
        { name: '0000.m4s', seconds: 6.016 },
        { name: '0001.m4s', seconds: 0.01 },
      ],
    })
  })

  it('are refused when ffmpeg did not finish them', () => {
    expect(() => readMediaPlaylist(written.replace('#EXT-X-ENDLIST\n', ''))).toThrow('no complete playlist')
  })

  it('give rates that a short last segment does not spoil', () => {
    const segments = [
      { seconds: 6.016, bytes: 75_200 },
      { seconds: 0.01, bytes: 1_000 },
    ]
    expect(bandwidthOf('96k', segments)).toEqual({
      ...{ name: '96k', peak: 100_000, average: Math.ceil((8 * 76_200) / 6.026) },
    })
  })

  it('are listed with the middle rendition first', () => {
    const bandwidths = ['96k', '160k', '256k'].map((name) => ({ name, peak: 2, average: 1 }))
    expect(masterPlaylist(bandwidths).match(/^\d+k/gm)).toEqual(['160k', '96k', '256k'])
  })
})
