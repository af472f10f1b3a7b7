import fc from 'fast-check'
import { expect, it } from 'vitest'
import { frameReader } from './websocket.ts'

const frame = (opcode: number, payload: string): string => {
  const length = payload.length
  const head =
    length < 126
      ? [0x80 | opcode, length]
      : length < 65_536
        ? [0x80 | opcode, 126, length >> 8, length & 255]
        : [
            0x80 | opcode,
            127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 255,
            (length >> 8) & 255,
            length & 255,
          ]
  return String.fromCharCode(...head) + payload
}

const read = (chunks: readonly string[]) => {
  const frames: [number, string][] = []
  const feed = frameReader((opcode, payload) => frames.push([opcode, payload]))
  for (const chunk of chunks) feed(chunk)
  return frames
}

it('reads the same frames however the stream is cut', () => {
  const lengths = fc.oneof(fc.nat(10), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000))
  fc.assert(
    fc.property(
      fc.array(lengths, { maxLength: 6 }),
      fc.array(fc.nat(200_000), { maxLength: 8 }),
      (sizes, cuts) => {
        const payloads = sizes.map((size, index) => String.fromCharCode(97 + index).repeat(size))
        const stream = payloads.map((payload) => frame(1, payload)).join('')
        const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
        const chunks = at.slice(1).map((end, index) => stream.slice(at[index], end))
        expect(read(chunks)).toEqual(payloads.map((payload) => [1, payload]))
      },
    ),
    { seed: 20_261_122, numRuns: 200 },
  )
})

it('refuses what the edge must not send', () => {
  expect(() => read(['\x81\x81'])).toThrow('masked')
  expect(() => read(['\x01\x00'])).toThrow('fragmented')
})
