import { describe, expect, it } from 'vitest'
import { sniff, sniffLength } from './formats.ts'

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  )
const id3 = (size: number): number[] => [0x49, 0x44, 0x33, 4, 0, 0, 0, 0, size >> 7, size & 0x7f]

describe('the format of a file', () => {
  it.each([
    ['flac', bytes('fLaC')],
    ['ogg', bytes('OggS')],
    ['mov', bytes([0, 0, 0, 32], 'ftypM4A ')],
    ['wav', bytes('RIFF', [1, 2, 3, 4], 'WAVEfmt ')],
    ['wav', bytes('RF64', [255, 255, 255, 255], 'WAVEds64')],
    ['aiff', bytes('FORM', [1, 2, 3, 4], 'AIFFCOMM')],
    ['aiff', bytes('FORM', [1, 2, 3, 4], 'AIFCFVER')],
    ['caf', bytes('caff', [0, 1])],
    ['w64', Buffer.from('726966662e91cf11a5d628db04c10000', 'hex')],
    ['mp3', bytes([0xff, 0xfb, 0x90, 0x64])],
    ['mp3', bytes([0xff, 0xe3, 0x90, 0x64])],
    ['mp3', bytes(id3(3), [1, 2, 3], [0xff, 0xfb, 0x90])],
    ['mp3', bytes(id3(3), [1, 2, 3], Array<number>(500).fill(0), [0xff, 0xfb, 0x90])],
    ['mp3', bytes(id3(8000), 'TIT2')],
    ['flac', bytes(id3(3), [1, 2, 3], 'fLaC')],
    ['aac', bytes([0xff, 0xf1, 0x50, 0x80])],
    ['aac', bytes(id3(3), [1, 2, 3], [0xff, 0xf9, 0x50])],
  ])('is %s by its magic bytes', (demuxer, head) => {
    expect(sniff(head)).toBe(demuxer)
  })

  const frame = (header: number[], length: number): Buffer =>
    Buffer.concat([Buffer.from(header), Buffer.alloc(length - header.length, 0x55)])
  const three = (one: Buffer) => Buffer.concat([one, one, one])
  const mp3 = three(frame([0xff, 0xfb, 0x90, 0x64, 0, 0], 417))
  const aac = three(frame([0xff, 0xf1, 0x50, 0x80, 0x20, 0x1f], 256))
  // With a sign that no frame begins with, and one that could.
  const junk = bytes('<html>', [0xff, 0xd8, 0xff, 0xfb, 0x10], 'x'.repeat(50_000))

  it.each([
    ['mp3', mp3],
    ['aac', aac],
    ['mp3', three(frame([0xff, 0xf3, 0x80, 0xc4, 0, 0], 208))],
    ['mp3', three(frame([0xff, 0xe3, 0x18, 0xc4, 0, 0], 72))],
  ])('is %s by three frames one after the other, whatever is in front', (demuxer, frames) => {
    expect(sniff(Buffer.concat([junk, frames]))).toBe(demuxer)
    expect(sniff(Buffer.concat([bytes(id3(3), [1, 2, 3]), junk, frames]))).toBe(demuxer)
    expect(sniff(Buffer.concat([junk, frames.subarray(0, -frames.length / 3)]))).toBeUndefined()
  })

  it.each([
    ['a ZIP archive', 'PK\u0003\u0004'],
    ['an AVI film', 'RIFF\u0001\u0002\u0003\u0004AVI LIST'],
    ['a Matroska film', '\u001aE\u00df\u00a3'],
    ['a tar archive', `song.mp3${'\0'.repeat(249)}ustar`],
  ])('is not that of what lies in %s', (_what, begin) => {
    expect(sniff(Buffer.concat([bytes(begin), mp3]))).toBeUndefined()
  })

  it('is not found in noise', () => {
    const noise = Buffer.alloc(sniffLength)
    let seed = 1
    for (let file = 0; file < 50; file++) {
      for (let at = 1; at < noise.length; at++) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
        noise[at] = seed >>> 16
      }
      expect(sniff(noise)).toBeUndefined()
    }
  })

  it.each([
    ['nothing', bytes('')],
    ['an HLS playlist', bytes('#EXTM3U\n#EXTINF:1,\nfile:/etc/passwd\n')],
    ['a concat script', bytes("ffconcat version 1.0\nfile '/etc/passwd'\n")],
    ['a DASH manifest', bytes('<?xml version="1.0"?><MPD>')],
    ['a ZIP archive', bytes('PK\u0003\u0004')],
    ['a Matroska file', bytes([0x1a, 0x45, 0xdf, 0xa3])],
    ['RIFF that is no WAVE', bytes('RIFF', [1, 2, 3, 4], 'AVI LIST')],
    ['MPEG audio of layer II', bytes([0xff, 0xfd, 0x90, 0x64])],
    ['an MPEG transport stream', bytes([0x47, 0x40, 0, 0x10])],
    ['zeros', Buffer.alloc(1000)],
  ])('is not known for %s', (_what, head) => {
    expect(sniff(head)).toBeUndefined()
  })
})
