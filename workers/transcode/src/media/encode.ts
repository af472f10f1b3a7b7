import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { inputArguments, runSandboxed } from '@veza/kit/media'
import { blameSource, delivered, type Source, type Step } from './measure.ts'
import { recipe } from './recipe.ts'

type Rendition = (typeof recipe.renditions)[number]

/**
 * Renditions that one process encodes. FFmpeg encodes all of a run on one thread, and the slow coder takes about as long as
 * the fast ones together: as two runs they are done in half the time, and a source is decoded once more, which costs little.
 */
const runs: readonly (readonly Rendition[])[] = [
  recipe.renditions.filter(({ coder }) => coder === 'twoloop'),
  recipe.renditions.filter(({ coder }) => coder === 'fast'),
]

const filters = (renditions: readonly Rendition[], gain: number): string => {
  const legs = renditions.map(({ name }) => `[${name}]`).join('')
  return `[0:a:0]${delivered},volume=${gain.toFixed(2)}dB:precision=float,asplit=${renditions.length}${legs}`
}

const outputOf = (rendition: Rendition): string[] => {
  const { name, bitrate, coder } = rendition
  return [
    ...['-map', `[${name}]`, '-c:a', 'aac', '-b:a', String(bitrate), '-aac_coder', coder],
    ...['-threads', '1', '-map_metadata', '-1', '-map_chapters', '-1'],
    ...['-bitexact', '-flags', '+bitexact', '-fflags', '+bitexact'],
    ...['-f', 'hls', '-hls_time', String(recipe.segmentSeconds), '-hls_playlist_type', 'vod'],
    ...['-hls_segment_type', 'fmp4', '-hls_flags', 'independent_segments'],
    ...['-hls_fmp4_init_filename', `init_${recipe.renditions.indexOf(rendition)}.mp4`],
    ...['-hls_segment_filename', `${name}/%04d.m4s`, `${name}/index.m3u8`],
  ]
}

/** Reads what `-progress` writes: lines, `out_time_us` among them. */
const readProgress = (onSeconds: (seconds: number) => void) => {
  let rest = ''
  return (chunk: Buffer): void => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const microseconds = /^out_time_us=(\d+)$/.exec(line)?.[1]
      if (microseconds !== undefined) onSeconds(Number(microseconds) / 1e6)
    }
  }
}

/** Calls back with each position that is later than those before: one that is stuck goes on writing reports. */
const laterOnly = (onSeconds: (seconds: number) => void) => {
  let reached = 0
  return (at: number): void => {
    if (at <= reached) return
    reached = at
    onSeconds(at)
  }
}

const encodeRun = async (
  renditions: readonly Rendition[],
  { path, probed }: Source,
  { gain, seconds, outDir }: { gain: number; seconds: number; outDir: string },
  step: Step,
): Promise<void> => {
  let onProgress: (() => void) | undefined
  const read = readProgress(
    laterOnly((at) => {
      onProgress?.()
      step.onSeconds?.(at)
    }),
  )
  await runSandboxed({
    program: 'ffmpeg',
    args: [
      ...['-nostdin', '-hide_banner', '-v', 'error', '-nostats', '-progress', 'pipe:1'],
      ...['-threads', '1', '-filter_complex_threads', '1'],
      ...inputArguments(probed.demuxer, path, step.maxDurationSeconds + 1),
      ...['-filter_complex', filters(renditions, gain)],
      ...renditions.flatMap(outputOf),
    ],
    cwd: outDir,
    limits: { memoryBytes: 1024 ** 3, cpuSeconds: 60 + seconds, fileBytes: 1024 ** 3 },
    wallMs: 120_000 + 2_000 * seconds,
    stallMs: step.stallMs,
    signal: step.signal,
    onStdout(chunk, progressed) {
      onProgress = progressed
      read(chunk)
    },
  }).catch(blameSource)
}

/**
 * The whole ladder, into `outDir`: `<rendition>/index.m3u8` with what it names. The same source gives the same bytes, on
 * one build of FFmpeg. Two processes at once; when one fails the other is ended too.
 *
 * @param seconds of the source, as measured
 * @throws RefusedAudio, SandboxError
 */
export const encode = async (
  source: Source,
  to: { gain: number; seconds: number; outDir: string },
  { onSeconds, ...step }: Step,
): Promise<void> => {
  for (const { name } of recipe.renditions) await mkdir(join(to.outDir, name), { recursive: true })
  const failing = new AbortController()
  const signal = step.signal === undefined ? failing.signal : AbortSignal.any([step.signal, failing.signal])
  const reached = runs.map(() => 0)
  const slowest = laterOnly((at) => onSeconds?.(at))
  await Promise.all(
    runs.map(async (renditions, index) => {
      const tell = (at: number): void => {
        reached[index] = at
        slowest(Math.min(...reached))
      }
      try {
        await encodeRun(renditions, source, to, { ...step, signal, onSeconds: tell })
      } catch (error) {
        // The first one counts: the other fails because it is ended.
        failing.abort(error)
      }
    }),
  )
  failing.signal.throwIfAborted()
}
