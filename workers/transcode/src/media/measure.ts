import {
  inputArguments,
  minSeconds,
  type Probed,
  RefusedAudio,
  runSandboxed,
  SandboxError,
} from '@veza/kit/media'
import { type Loudness, recipe } from './recipe.ts'
import { collectPeaks, type Waveform } from './waveform.ts'

/** A source as it lies on this machine. */
export interface Source {
  /** Absolute. */
  readonly path: string
  readonly probed: Probed
}

/** What one step of the work may use, and whom it tells. */
export interface Step {
  /** A folder of the job's own; also where the program runs. */
  readonly workDir: string
  readonly signal?: AbortSignal | undefined
  /** Of a source that is longer, nothing is made. */
  readonly maxDurationSeconds: number
  /** Without progress for so long, the program is killed. */
  readonly stallMs: number
  /** The source's seconds that are done. */
  readonly onSeconds?: ((seconds: number) => void) | undefined
}

/** A source, decoded once. */
export interface Measured {
  readonly loudness: Loudness
  readonly waveform: Waveform
  /** At the recipe's rate. */
  readonly samples: number
}

const numberAfter = (label: string, text: string): number => {
  const found = new RegExp(String.raw`${label}:\s+(-?[\d.]+|-inf|nan)`).exec(text)?.[1]
  return found === '-inf' ? -Infinity : Number(found)
}

/** The summary that FFmpeg's ebur128 filter ends with. @throws Error when there is none */
export const readSummary = (stderr: string): Loudness => {
  const summary = stderr.slice(stderr.lastIndexOf('Integrated loudness:'))
  const loudness = {
    integrated: numberAfter('I', summary),
    truePeak: numberAfter('Peak', summary),
    range: numberAfter('LRA', summary),
  }
  if (Object.values(loudness).some(Number.isNaN)) throw new Error('ffmpeg gave no summary of loudness')
  return loudness
}

const memoryBytes = 1024 ** 3

/** A program that fails on a file that opened well has met damage in it, and meets it again next time. */
export const blameSource = (error: unknown): never => {
  if (error instanceof SandboxError && error.code === 'failed')
    throw new RefusedAudio('corrupt', { cause: error })
  throw error
}

/** What both steps do to the sound before anything else, so that what is measured is what is delivered. */
export const delivered = `aresample=${recipe.sampleRate},aformat=channel_layouts=stereo`

/** What may be missing of what a file says that it holds: encoders count what they add, and a damaged frame is no reason. */
const mostMissing = { seconds: 1, share: 0.02 } as const

/**
 * Loudness, peaks and length in one decode.
 *
 * @throws RefusedAudio, SandboxError
 */
export const measure = async ({ path, probed }: Source, step: Step): Promise<Measured> => {
  const peaks = collectPeaks()
  // One second more than is allowed shows that it is too long, and ends a stream without end.
  const readAtMost = step.maxDurationSeconds + 1
  const stderr = await runSandboxed({
    program: 'ffmpeg',
    args: [
      ...['-nostdin', '-hide_banner', '-v', 'info', '-nostats', '-bitexact'],
      ...['-threads', '1', '-filter_complex_threads', '1'],
      ...inputArguments(probed.demuxer, path, readAtMost),
      '-filter_complex',
      `[0:a:0]${delivered},asplit=2[a][b];[a]ebur128=peak=true:framelog=verbose[loudness];` +
        '[b]aformat=sample_fmts=s16:channel_layouts=mono[wave]',
      ...['-map', '[loudness]', '-f', 'null', '-'],
      ...['-map', '[wave]', '-f', 's16le', 'pipe:1'],
    ],
    cwd: step.workDir,
    limits: { memoryBytes, cpuSeconds: 60 + step.maxDurationSeconds / 10, fileBytes: 0 },
    wallMs: 60_000 + 500 * step.maxDurationSeconds,
    stallMs: step.stallMs,
    signal: step.signal,
    onStdout(chunk, progressed) {
      peaks.add(chunk)
      progressed()
      step.onSeconds?.(peaks.samples / recipe.sampleRate)
    },
  }).catch(blameSource)
  const seconds = peaks.samples / recipe.sampleRate
  if (seconds > step.maxDurationSeconds) throw new RefusedAudio('too-long')
  if (seconds < minSeconds) throw new RefusedAudio(seconds === 0 ? 'corrupt' : 'too-short')
  const missing = (probed.promisedSeconds ?? 0) - seconds
  if (missing > mostMissing.seconds && missing > mostMissing.share * (probed.promisedSeconds ?? 0))
    throw new RefusedAudio('corrupt')
  return { loudness: readSummary(stderr), waveform: peaks.finish(), samples: peaks.samples }
}
