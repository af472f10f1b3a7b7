import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { probeAudio } from '@veza/kit/media'
import { audioFormats, makeAudio } from '@veza/kit/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSummary } from './measure.ts'
import { produce, type Produced } from './produce.ts'

const run = promisify(execFile)
let dir: string
let jobs = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-transcode-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const newDir = async (): Promise<string> => {
  const workDir = join(dir, `job-${jobs++}`)
  await mkdir(workDir)
  return workDir
}

const transcode = async (
  path: string,
  change: Partial<Parameters<typeof produce>[1]> = {},
): Promise<Produced> => {
  const workDir = await newDir()
  const probed = await probeAudio(path, { maxDurationSeconds: 60 }, { cwd: workDir })
  return produce({ path, probed }, { workDir, maxDurationSeconds: 60, stallMs: 20_000, ...change })
}

/** Plays it as a client does; what ffmpeg has to say against it. */
const decode = async (path: string): Promise<{ warnings: string; seconds: number }> => {
  const { stderr, stdout } = await run(
    'ffmpeg',
    [...['-v', 'warning', '-i', path, '-f', 's16le', '-ac', '1', '-ar', '48000', 'pipe:1']],
    { encoding: 'buffer', maxBuffer: 100_000_000 },
  )
  return { warnings: stderr.toString(), seconds: stdout.length / 96_000 }
}

const loudnessOf = async (path: string) => {
  const { stderr } = await run('ffmpeg', [
    '-hide_banner',
    '-nostats',
    '-i',
    path,
    '-af',
    'ebur128=peak=true',
    '-f',
    'null',
    '-',
  ])
  return readSummary(stderr)
}

describe('a source becomes a stream', () => {
  it.each(Object.keys(audioFormats))(
    'from %s, decoded without a warning in every rendition',
    async (ending) => {
      // One of them is longer than a segment.
      const seconds = ending === 'flac' ? 7 : 2
      const made = await transcode(await makeAudio(dir, `source.${ending}`, { seconds }))
      // Lossy formats carry what their encoders add.
      expect(made.durationMs).toBeGreaterThanOrEqual(1_000 * seconds - 1)
      expect(made.durationMs).toBeLessThan(1_000 * seconds + 100)
      for (const playlist of [
        'master.m3u8',
        '96k/index.m3u8',
        '160k/index.m3u8',
        '256k/index.m3u8',
        'progressive.mp4',
      ]) {
        const { warnings, seconds } = await decode(join(made.dir, playlist))
        expect(warnings, playlist).toBe('')
        expect(seconds, playlist).toBeCloseTo(made.durationMs / 1000, 0)
      }
    },
  )

  it('of the same bytes each time, under the same address', async () => {
    const path = await makeAudio(dir, 'twice.flac', { seconds: 7 })
    const [first, second] = [await transcode(path), await transcode(path)]
    expect(second.prefix).toBe(first.prefix)
    expect(second.files).toEqual(first.files)
    for (const { path: file } of first.files)
      expect(
        (await readFile(join(second.dir, file))).equals(await readFile(join(first.dir, file))),
        file,
      ).toBe(true)
    const other = await transcode(await makeAudio(dir, 'other.flac', { seconds: 7, volume: -21 }))
    expect(other.prefix).not.toBe(first.prefix)
  })

  it('at -14 LUFS, or as loud as its peaks allow', async () => {
    const quiet = await transcode(await makeAudio(dir, 'quiet.wav', { seconds: 3, volume: -30 }))
    const loud = await transcode(await makeAudio(dir, 'loud.wav', { seconds: 3, volume: 3 }))
    for (const made of [quiet, loud])
      for (const rendition of ['96k', '160k', '256k']) {
        const { integrated, truePeak } = await loudnessOf(join(made.dir, rendition, 'index.m3u8'))
        expect(integrated).toBeGreaterThan(-14.5)
        expect(integrated).toBeLessThan(-13.5)
        expect(truePeak).toBeLessThanOrEqual(-0.5)
      }
    expect(quiet.gain).toBeGreaterThan(0)
    expect(loud.gain).toBeLessThan(0)
    // A click makes the ceiling the limit.
    const click = await transcode(
      await makeAudio(dir, 'click.wav', {
        seconds: 3,
        extra: ['-af', "volume=-30dB,aeval='if(eq(n,44100),0.9,val(ch))':c=same"],
      }),
    )
    expect(click.gain + click.loudness.truePeak).toBeCloseTo(-1, 1)
  })

  it('stored in an order in which nothing names what is not there yet', async () => {
    const { files } = await transcode(await makeAudio(dir, 'order.wav', { seconds: 1 }))
    const paths = files.map(({ path }) => path)
    expect(paths.slice(-5)).toEqual([
      '160k/index.m3u8',
      '256k/index.m3u8',
      '96k/index.m3u8',
      'master.m3u8',
      'track.json',
    ])
    expect(paths).toContain('waveform.dat')
  })

  it('with a waveform and gapless data of its exact length', async () => {
    const { dir: out } = await transcode(await makeAudio(dir, 'exact.wav', { seconds: 2 }))
    const waveform = JSON.parse(await readFile(join(out, 'waveform.json'), 'utf8')) as {
      length: number
      samples_per_pixel: number
    }
    expect(waveform.length * waveform.samples_per_pixel).toBe(96_000)
    expect(JSON.parse(await readFile(join(out, 'track.json'), 'utf8'))).toMatchObject({
      samples: 96_000,
      primingSamples: 1024,
    })
  })

  it('and tells how far it is', async () => {
    const shares: number[] = []
    await transcode(await makeAudio(dir, 'progress.wav', { seconds: 8 }), {
      onProgress: (share) => void shares.push(share),
    })
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    expect(shares.at(-1)).toBeGreaterThan(0.9)
    expect(shares.at(-1)).toBeLessThan(1)
  })

  it('and tells nothing of the first decode while nobody knows how long it is', async () => {
    const path = await makeAudio(dir, 'unknown.wav', { seconds: 2 })
    const workDir = await newDir()
    const probed = await probeAudio(path, { maxDurationSeconds: 60 }, { cwd: workDir })
    const shares: number[] = []
    await produce(
      { path, probed: { ...probed, durationSeconds: undefined } },
      { workDir, maxDurationSeconds: 60, stallMs: 20_000, onProgress: (share) => void shares.push(share) },
    )
    expect(shares[0]).toBe(0)
    expect(shares.filter((share) => share > 0 && share < 0.1)).toEqual([])
    expect(shares.at(-1)).toBeGreaterThan(0.9)
  })

  it('from silence, from one channel and from six', async () => {
    const silence = await transcode(
      await makeAudio(dir, 'silence.wav', { seconds: 1, extra: ['-af', 'volume=0'] }),
    )
    expect(silence.gain).toBe(0)
    for (const channels of ['1', '6']) {
      const made = await transcode(
        await makeAudio(dir, `channels-${channels}.wav`, { seconds: 2, extra: ['-ac', channels] }),
      )
      const { integrated } = await loudnessOf(join(made.dir, 'master.m3u8'))
      expect(integrated).toBeCloseTo(-14, 0)
    }
  })
})

describe('what cannot become one', () => {
  it('is refused when it is longer than its container says', async () => {
    const path = await makeAudio(dir, 'long.wav', { seconds: 5 })
    const probed = await probeAudio(path, { maxDurationSeconds: 60 }, { cwd: dir })
    const lying = { path, probed: { ...probed, durationSeconds: 1 } }
    await expect(
      produce(lying, { workDir: await newDir(), maxDurationSeconds: 3, stallMs: 20_000 }),
    ).rejects.toMatchObject({ code: 'too-long' })
  })

  it('is refused when nothing of it can be decoded, or too little', async () => {
    const whole = await readFile(await makeAudio(dir, 'whole.flac', { seconds: 2 }))
    const path = join(dir, 'hollow.flac')
    await writeFile(path, Buffer.concat([whole.subarray(0, 200), Buffer.alloc(20_000)]))
    await expect(transcode(path)).rejects.toMatchObject({ name: 'RefusedAudio' })
    await expect(transcode(await makeAudio(dir, 'short.wav', { seconds: 0.05 }))).rejects.toMatchObject({
      code: 'too-short',
    })
  })

  it.each(['flac', 'wav', 'aiff', 'm4a', 'mp3'])(
    'is refused when a part of it is missing: %s',
    async (ending) => {
      const extra = ending === 'm4a' ? ['-movflags', '+faststart'] : []
      const path = await makeAudio(dir, `cut.${ending}`, { seconds: 6, extra })
      const { size } = await stat(path)
      await truncate(path, Math.floor(size * 0.97))
      await transcode(path)
      await truncate(path, Math.floor(size * 0.6))
      await expect(transcode(path)).rejects.toMatchObject({ code: 'corrupt' })
    },
  )

  it.each([
    ['mp3', ['-write_xing', '0']],
    ['ogg', []],
    ['aac', []],
  ])('but a file that does not say how long it is plays as far as it goes: %s', async (ending, extra) => {
    const path = await makeAudio(dir, `open.${ending}`, { seconds: 6, extra })
    await truncate(path, Math.floor((await stat(path)).size * 0.5))
    const made = await transcode(path)
    expect(made.durationMs).toBeGreaterThan(1_500)
    expect(made.durationMs).toBeLessThan(4_500)
  })

  it('but a file of which nobody knew the end is whole: FLAC without samples, WAVE from a pipe', async () => {
    const flac = await readFile(await makeAudio(dir, 'counted.flac', { seconds: 4 }))
    // Of 36 bits of STREAMINFO; its digest goes too, or somebody might hold it against the sound.
    flac.fill(0, 22, 42).writeUInt8(flac.readUInt8(21) & 0xf0, 21)
    const wav = await readFile(await makeAudio(dir, 'sized.wav', { seconds: 4 }))
    wav.writeUInt32LE(0xffff_ffff, wav.indexOf('data') + 4)
    for (const [name, bytes] of [
      ['uncounted.flac', flac],
      ['unsized.wav', wav],
    ] as const) {
      await writeFile(join(dir, name), bytes)
      expect((await transcode(join(dir, name))).durationMs, name).toBeCloseTo(4_000, -2)
    }
  })

  it.each(['mp3', 'aac'])(
    'but one that begins in the middle of a frame, or behind something else: %s',
    async (ending) => {
      const whole = await readFile(await makeAudio(dir, `junk.${ending}`, { seconds: 4 }))
      const junk = Buffer.from('HTTP/1.0 200 OK\r\nicy-name: Radio\r\n\r\n'.repeat(200))
      for (const [name, bytes] of [
        ['behind', Buffer.concat([junk, whole])],
        ['cut', whole.subarray(5_001)],
      ] as const) {
        const path = join(dir, `${name}.${ending}`)
        await writeFile(path, bytes)
        const made = await transcode(path)
        expect(made.durationMs, name).toBeGreaterThan(3_000)
        expect(made.durationMs, name).toBeLessThan(4_500)
      }
    },
  )

  it('is given up when it is told to, or when it stands still', async () => {
    const path = await makeAudio(dir, 'given-up.wav', { seconds: 30 })
    const abort = new AbortController()
    await expect(
      transcode(path, {
        signal: abort.signal,
        onProgress: () => {
          abort.abort()
        },
      }),
    ).rejects.toMatchObject({ code: 'aborted' })
    await expect(transcode(path, { stallMs: 1 })).rejects.toMatchObject({ code: 'stalled' })
  })
})
