import { recipe } from './recipe.ts'

/** A media playlist's segments. */
export interface Segments {
  /** The file that initialises the decoder. */
  readonly init: string
  readonly segments: readonly { readonly name: string; readonly seconds: number }[]
}

/** Reads a media playlist as FFmpeg writes it. @throws Error when it is none, or not complete */
export const readMediaPlaylist = (text: string): Segments => {
  const lines = text.split('\n').map((line) => line.trim())
  const init = /^#EXT-X-MAP:URI="([^"/]+)"$/m.exec(text)?.[1]
  const segments = lines.flatMap((line, index) => {
    const seconds = /^#EXTINF:([\d.]+),/.exec(line)?.[1]
    const name = lines[index + 1]
    return seconds === undefined || name === undefined ? [] : [{ name, seconds: Number(seconds) }]
  })
  if (
    lines[0] !== '#EXTM3U' ||
    init === undefined ||
    segments.length === 0 ||
    !lines.includes('#EXT-X-ENDLIST')
  )
    throw new Error('ffmpeg wrote no complete playlist')
  return { init, segments }
}

/** How many bits a second a rendition takes: of its heaviest segment, and on average. */
export interface Bandwidth {
  readonly name: string
  readonly peak: number
  readonly average: number
}

export const bandwidthOf = (
  name: string,
  segments: readonly { readonly seconds: number; readonly bytes: number }[],
): Bandwidth => {
  const seconds = segments.reduce((sum, segment) => sum + segment.seconds, 0)
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  // A last segment of a few samples would have a rate out of all proportion.
  const rates = segments
    .filter((segment) => segment.seconds >= recipe.segmentSeconds / 2 || segments.length === 1)
    .map((segment) => (8 * segment.bytes) / segment.seconds)
  return { name, peak: Math.ceil(Math.max(...rates)), average: Math.ceil((8 * bytes) / seconds) }
}

/**
 * The master playlist (RFC 8216). The second rendition stands first: it is what players begin with before they know
 * the network.
 */
export const masterPlaylist = (bandwidths: readonly Bandwidth[]): string => {
  const [low, middle, ...others] = bandwidths
  const ordered = [middle, low, ...others].filter((each) => each !== undefined)
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...ordered.flatMap(({ name, peak, average }) => [
      `#EXT-X-STREAM-INF:BANDWIDTH=${peak},AVERAGE-BANDWIDTH=${average},CODECS="mp4a.40.2"`,
      `${name}/index.m3u8`,
    ]),
    '',
  ].join('\n')
}
