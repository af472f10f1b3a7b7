/** The demuxers of FFmpeg that may open what somebody sent. Playlists and scripts are none of them. */
export type Demuxer = 'aac' | 'aiff' | 'caf' | 'flac' | 'mov' | 'mp3' | 'ogg' | 'w64' | 'wav'

/** So much of a file's beginning tells its format, bytes. */
export const sniffLength = 64 * 1024

const w64Guid = Buffer.from('726966662e91cf11a5d628db04c10000', 'hex')

/** An ID3v2 tag's length with its header, 0 where there is none. */
export const id3Length = (head: Buffer): number => {
  if (head.length < 10 || head.toString('latin1', 0, 3) !== 'ID3') return 0
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (head.readUInt8(at) & 0x7f), 0)
  return 10 + size
}

/** A frame of MPEG audio, layer III, or of AAC in ADTS, by its first two bytes. */
const kindAt = (head: Buffer, at: number): 'mp3' | 'aac' | undefined => {
  if (at + 1 >= head.length || head[at] !== 0xff) return undefined
  const second = head.readUInt8(at + 1)
  if ((second & 0xf6) === 0xf0) return 'aac'
  return (second & 0xe6) === 0xe2 ? 'mp3' : undefined
}

// By the four bits of a header, from 1 on.
const kbps1 = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const kbps2 = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
const rates = [44_100, 48_000, 32_000]

/** A frame's length by its header, bytes; undefined: there is no such frame. Of no header whose length is free. */
const lengthAt = (head: Buffer, at: number, kind: 'mp3' | 'aac'): number | undefined => {
  if (at + 6 > head.length) return undefined
  const [, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = head.subarray(at, at + 6)
  if (kind === 'aac') {
    const length = ((fourth & 3) << 11) | (fifth << 3) | (sixth >> 5)
    return ((third >> 2) & 15) < 13 && length > 7 ? length : undefined
  }
  // 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5.
  const version = (second >> 3) & 3
  const [kbps, rate] = [(version === 3 ? kbps1 : kbps2)[(third >> 4) - 1], rates[(third >> 2) & 3]]
  if (version === 1 || kbps === undefined || rate === undefined) return undefined
  const samples = version === 3 ? 1152 : 576
  const divided = version === 3 ? 1 : version === 2 ? 2 : 4
  return Math.floor((samples * 125 * kbps * divided) / rate) + ((third >> 1) & 1)
}

/** How much of a header's third byte is the same in all frames of a stream. */
const steady = { mp3: 0x0c, aac: 0xfc } as const

/** Three frames of one stream, each where the one before ends: no noise looks like that. */
const framesAt = (head: Buffer, at: number): 'mp3' | 'aac' | undefined => {
  const kind = kindAt(head, at)
  if (kind === undefined) return undefined
  let next = at
  for (let more = 0; more < 2; more++) {
    const length = lengthAt(head, next, kind)
    if (length === undefined) return undefined
    next += length
    const sameStream =
      head[next] === 0xff &&
      head[next + 1] === head[at + 1] &&
      ((head[next + 2] ?? 0) & steady[kind]) === ((head[at + 2] ?? 0) & steady[kind])
    if (!sameStream) return undefined
  }
  return lengthAt(head, next, kind) === undefined ? undefined : kind
}

/** Files that hold others, sound among them: what lies in them is not what was sent. */
const wrappers = [
  ...['PK', 'RIFF', 'RIFX', 'Rar!', '7z\xbc\xaf', '\x1f\x8b', 'BZh', '\xfd7zXZ', '\x1aE\xdf\xa3', 'FLV'],
  ...['0&\xb2u', '%PDF', 'CWS', 'FWS', '\0\0\x01\xba', '\x89PNG', '\xff\xd8\xff', 'GIF8'],
]
const isWrapper = (head: Buffer): boolean => {
  const begin = head.toString('latin1', 0, 6)
  const isStream = [0, 188, 376].every((at) => head[at] === 0x47)
  return (
    isStream ||
    head.toString('latin1', 257, 262) === 'ustar' ||
    wrappers.some((each) => begin.startsWith(each))
  )
}

/** What is behind the rest of something else: a stream that was recorded, or cut, begins in the middle of a frame. */
const framesBehindJunk = (head: Buffer): 'mp3' | 'aac' | undefined => {
  if (isWrapper(head)) return undefined
  for (let at = head.indexOf(0xff); at !== -1; at = head.indexOf(0xff, at + 1)) {
    const kind = framesAt(head, at)
    if (kind !== undefined) return kind
  }
  return undefined
}

/**
 * How long the sound of a WAVE file is by its own header, seconds; undefined: it is none, or was written before its end was
 * known. FFmpeg goes by the file's size.
 */
export const wavSeconds = (head: Buffer): number | undefined => {
  if (head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, 12) !== 'WAVE') return undefined
  let bytesPerSecond = 0
  for (let at = 12; at + 20 <= head.length;) {
    const [name, size] = [head.toString('latin1', at, at + 4), head.readUInt32LE(at + 4)]
    if (name === 'data')
      // Recorders that write into a pipe leave nothing there, or about the largest number that they know.
      return size === 0 || size >= 0x7fff_0000 || bytesPerSecond === 0 ? undefined : size / bytesPerSecond
    if (name === 'fmt ') bytesPerSecond = head.readUInt32LE(at + 16)
    at += 8 + size + (size % 2)
  }
  return undefined
}

/**
 * The one demuxer that a file is opened with, by its magic bytes. FFmpeg itself is never asked to guess: that is how a
 * playlist under the name of an MP3 makes it open other files.
 *
 * @param head the file's first `sniffLength` bytes, or all of it
 * @param body as many that stand behind its ID3 tag, for a tag that is larger than the head
 * @returns undefined when it is none of ours
 */
export const sniff = (head: Buffer, body = head.subarray(id3Length(head))): Demuxer | undefined => {
  const text = (from: number, to: number): string => head.toString('latin1', from, to)
  if (text(0, 4) === 'OggS') return 'ogg'
  if (text(4, 8) === 'ftyp') return 'mov'
  if (text(0, 4) === 'caff') return 'caf'
  if (text(0, 4) === 'FORM' && ['AIFF', 'AIFC'].includes(text(8, 12))) return 'aiff'
  if (['RIFF', 'RF64'].includes(text(0, 4)) && text(8, 12) === 'WAVE') return 'wav'
  if (head.subarray(0, 16).equals(w64Guid)) return 'w64'
  if (body.toString('latin1', 0, 4) === 'fLaC') return 'flac'
  // Encoders and tag editors leave zeros before the first frame.
  let at = 0
  while (at < body.length && body[at] === 0) at++
  return kindAt(body, at) ?? framesBehindJunk(body) ?? (id3Length(head) > 0 ? 'mp3' : undefined)
}
