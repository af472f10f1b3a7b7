import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** How each format that is taken is made of the same sound. */
export const audioFormats = {
  mp3: ['-c:a', 'libmp3lame'],
  m4a: ['-c:a', 'aac'],
  'alac.m4a': ['-c:a', 'alac'],
  flac: [],
  wav: [],
  aiff: [],
  ogg: ['-c:a', 'libvorbis'],
  opus: ['-c:a', 'libopus'],
} as const satisfies Record<string, readonly string[]>

/**
 * Makes a file of sound by the system's ffmpeg: two tones that differ left and right, with a little noise. The same
 * arguments give the same sound.
 *
 * @param name its ending chooses the format
 * @returns its path
 */
export const makeAudio = async (
  dir: string,
  name: string,
  { seconds = 3, volume = -20, extra = [] as readonly string[] } = {},
): Promise<string> => {
  const path = join(dir, name)
  const format = Object.entries(audioFormats).findLast(([ending]) => name.endsWith(`.${ending}`))
  const alac = name.endsWith('.alac.m4a') ? audioFormats['alac.m4a'] : undefined
  const source = `aevalsrc=exprs='0.6*sin(2*PI*440*t)+0.1*(2*random(0)-1)|0.6*sin(2*PI*554*t)+0.1*(2*random(1)-1)':s=44100:d=${seconds}`
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', source],
    ...['-af', `volume=${volume}dB`, '-bitexact'],
    ...(alac ?? format?.[1] ?? []),
    ...extra,
    path,
  ])
  return path
}
