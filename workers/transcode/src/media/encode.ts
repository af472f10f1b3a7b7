import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { inputArguments, runSandboxed } from '@veza/kit/media'
import { blameSource, delivered, type Source, type Step } from './measure.ts'
import { recipe } from './recipe.ts'

const names = recipe.renditions.map(({ name }) => name)

const filters = (gain: number): string => {
  const legs = names.map((name) => `[${name}]`).join('')
  return `[0:a:0]${delivered},volume=${gain.toFixed(2)}dB:precision=float,asplit=${names.length}${legs}`
}

const encoders = recipe.renditions.flatMap(({ name, bitrate, coder }, index) => [
  ...['-map', `[${name}]`],
  ...[`-b:a:${index}`, String(bitrate), `-aac_coder:a:${index}`, coder],
])

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

/**
 * The whole ladder in one run, into `outDir`: `<rendition>/index.m3u8` with what it names. The same source gives the
 * same bytes, on one build of FFmpeg.
 *
 * @param seconds of the source, as measured
 * @throws RefusedAudio, SandboxError
 */
export const encode = async (
  { path, probed }: Source,
  { gain, seconds, outDir }: { gain: number; seconds: number; outDir: string },
  step: Step,
): Promise<void> => {
  for (const name of names) await mkdir(join(outDir, name), { recursive: true })
  let reached = 0
  await runSandboxed({
    program: 'ffmpeg',
    args: [
      ...['-nostdin', '-hide_banner', '-v', 'error', '-nostats', '-progress', 'pipe:1'],
      ...['-threads', '1', '-filter_complex_threads', '1'],
      ...inputArguments(probed.demuxer, path, step.maxDurationSeconds + 1),
      ...['-filter_complex', filters(gain)],
      ...encoders,
      ...['-c:a', 'aac', '-threads', '1', '-map_metadata', '-1', '-map_chapters', '-1'],
      ...['-bitexact', '-flags', '+bitexact', '-fflags', '+bitexact'],
      ...['-f', 'hls', '-hls_time', String(recipe.segmentSeconds), '-hls_playlist_type', 'vod'],
      ...['-hls_segment_type', 'fmp4', '-hls_flags', 'independent_segments'],
      ...['-hls_fmp4_init_filename', 'init.mp4', '-hls_segment_filename', '%v/%04d.m4s'],
      ...['-var_stream_map', names.map((name, index) => `a:${index},name:${name}`).join(' ')],
      '%v/index.m3u8',
    ],
    cwd: outDir,
    limits: { memoryBytes: 1024 ** 3, cpuSeconds: 60 + seconds, fileBytes: 1024 ** 3 },
    wallMs: 120_000 + 2_000 * seconds,
    stallMs: step.stallMs,
    signal: step.signal,
    onStdout: (() => {
      let onProgress: (() => void) | undefined
      const read = readProgress((at) => {
        // ffmpeg goes on writing reports when it is stuck: only a later position is progress.
        if (at <= reached) return
        reached = at
        onProgress?.()
        step.onSeconds?.(at)
      })
      return (chunk: Buffer, progressed: () => void) => {
        onProgress = progressed
        read(chunk)
      }
    })(),
  }).catch(blameSource)
}
