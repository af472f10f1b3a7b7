import { createHash } from 'node:crypto'
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encode } from './encode.ts'
import { measure, type Source, type Step } from './measure.ts'
import { bandwidthOf, masterPlaylist, readMediaPlaylist } from './playlists.ts'
import { gainOf, type Loudness, recipe } from './recipe.ts'
import { waveformBinary, waveformJson } from './waveform.ts'

/** A file of what was made. */
export interface ProducedFile {
  /** Below the prefix, such as `96k/0000.m4s`. */
  readonly path: string
  readonly bytes: number
  /** Files of a stage name none of the same or a later one: stages are stored one after the other, their files in any order. */
  readonly stage: number
}

/** A stream that is ready to be stored. */
export interface Produced {
  /** Where it belongs: derived from what is in it, so that the same stream is never stored under two. */
  readonly prefix: string
  /** The folder that holds the files. */
  readonly dir: string
  /** By their stages. */
  readonly files: readonly ProducedFile[]
  readonly durationMs: number
  /** Of the source. */
  readonly loudness: Loudness
  /** dB, what was added to it. */
  readonly gain: number
}

/** Of files that name others later ones, and last of all of the one that says that everything is there. */
const stageOf = (path: string): number =>
  path === 'track.json' ? 3 : path === 'master.m3u8' ? 2 : path.endsWith('.m3u8') ? 1 : 0

const listFiles = async (dir: string): Promise<ProducedFile[]> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const full = join(entry.parentPath, entry.name)
        const path = full.slice(dir.length + 1)
        return { path, bytes: (await stat(full)).size, stage: stageOf(path) }
      }),
  )
  return files.sort((a, b) => a.stage - b.stage || (a.path < b.path ? -1 : 1))
}

/** One address for all of it: the digest of every file's path and digest. */
const prefixOf = async (dir: string, files: readonly ProducedFile[]): Promise<string> => {
  const whole = createHash('sha256')
  for (const { path } of files) {
    const digest = createHash('sha256')
      .update(await readFile(join(dir, path)))
      .digest('hex')
    whole.update(`${digest}  ${path}\n`)
  }
  return `media/${whole.digest('hex')}`
}

/** Playlists, and the rendition that is one file: fragmented MP4 is its initialisation and its segments, joined. */
const assemble = async (dir: string): Promise<void> => {
  const bandwidths = []
  for (const { name } of recipe.renditions) {
    const playlist = readMediaPlaylist(await readFile(join(dir, name, 'index.m3u8'), 'utf8'))
    const weighed = []
    for (const { name: file, seconds } of playlist.segments)
      weighed.push({ seconds, bytes: (await stat(join(dir, name, file))).size })
    bandwidths.push(bandwidthOf(name, weighed))
    if (name === recipe.progressive)
      for (const part of [playlist.init, ...playlist.segments.map((segment) => segment.name)])
        await appendFile(join(dir, 'progressive.mp4'), await readFile(join(dir, name, part)))
  }
  await writeFile(join(dir, 'master.m3u8'), masterPlaylist(bandwidths))
}

const round = (value: number): number | null =>
  Number.isFinite(value) ? Math.round(value * 100) / 100 : null

/**
 * Makes a stream of a source: measured, brought to its loudness, encoded, described.
 *
 * @param onProgress is told the share that is done, 0 to 1
 * @throws RefusedAudio for what its owner must change; SandboxError and file errors for what may go better next time
 */
export const produce = async (
  source: Source,
  { onProgress, ...limits }: Omit<Step, 'onSeconds'> & { onProgress?: ((share: number) => void) | undefined },
): Promise<Produced> => {
  const dir = join(limits.workDir, 'out')
  await mkdir(dir)
  // Decoding alone takes about a tenth of what all of it takes. Where nobody knows how long it is, nothing is told of it.
  const guess = source.probed.durationSeconds ?? Infinity
  const measured = await measure(source, {
    ...limits,
    onSeconds: (seconds) => onProgress?.(Math.min(0.1, (0.1 * seconds) / guess)),
  })
  const gain = gainOf(measured.loudness)
  const seconds = measured.samples / recipe.sampleRate
  await encode(
    source,
    { gain, seconds, outDir: dir },
    { ...limits, onSeconds: (at) => onProgress?.(Math.min(0.99, 0.1 + (0.9 * at) / seconds)) },
  )
  await assemble(dir)
  await writeFile(join(dir, 'waveform.json'), waveformJson(measured.waveform))
  await writeFile(join(dir, 'waveform.dat'), waveformBinary(measured.waveform))
  const { integrated, truePeak, range } = measured.loudness
  await writeFile(
    join(dir, 'track.json'),
    JSON.stringify({
      recipe: recipe.version,
      sampleRate: recipe.sampleRate,
      // What a player without edit lists leaves out at the start, and where it stops: gapless playback.
      primingSamples: recipe.primingSamples,
      samples: measured.samples,
      loudness: { integrated: round(integrated), truePeak: round(truePeak), range: round(range) },
      gain,
      renditions: recipe.renditions.map(({ name, bitrate }) => ({ name, bitrate })),
    }),
  )
  const files = await listFiles(dir)
  return {
    prefix: await prefixOf(dir, files),
    dir,
    files,
    durationMs: Math.round(1000 * seconds),
    loudness: measured.loudness,
    gain,
  }
}
