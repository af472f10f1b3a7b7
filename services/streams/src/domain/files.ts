/** A stretch of a file, both ends inclusive. */
export interface Range {
  readonly start: number
  readonly end: number
}

const types: readonly (readonly [RegExp, string])[] = [
  [/^(?:master|\d{1,4}k\/index)\.m3u8$/, 'application/vnd.apple.mpegurl'],
  [/^\d{1,4}k\/(?:init_\d\.mp4|\d{4,6}\.m4s)$/, 'audio/mp4'],
  [/^progressive\.mp4$/, 'audio/mp4'],
  [/^track\.json$/, 'application/json'],
]

/** The type of a file of a stream; undefined: a stream has no such file. */
export const contentTypeOf = (path: string): string | undefined =>
  types.find(([pattern]) => pattern.test(path))?.[1]

/** Playlists name their files relative to themselves, so they are served here, wherever the files are. */
export const isPlaylist = (path: string): boolean => path.endsWith('.m3u8')

/**
 * The one stretch that a Range header asks for (RFC 9110). undefined: all of it, since the header is none that we know, or
 * asks for several. 'unsatisfiable': nothing of it is there.
 */
export const readRange = (header: string | undefined, size: number): Range | 'unsatisfiable' | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d{0,20})-(\d{0,20})$/i.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const suffix = Number(last)
    return suffix === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - suffix), end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}
