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
const frameAt = (head: Buffer, at: number): 'mp3' | 'aac' | undefined => {
  if (at + 1 >= head.length || head[at] !== 0xff) return undefined
  const second = head.readUInt8(at + 1)
  if ((second & 0xf6) === 0xf0) return 'aac'
  return (second & 0xe6) === 0xe2 ? 'mp3' : undefined
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
  return frameAt(body, at) ?? (id3Length(head) > 0 ? 'mp3' : undefined)
}
