import { expect, it } from 'vitest'
import { frameCounter } from './frame-counter.ts'

const frame = (payload: string): Buffer => {
  const { length } = payload
  const head =
    length < 126
      ? [length]
      : length < 65_536
        ? [126, length >> 8, length & 255]
        : [127, 0, 0, 0, 0, 0, 1, 0, 0]
  return Buffer.from([0x81, ...head, ...Buffer.from(payload)])
}

it('counts the lines of frames of every size, wherever their bytes are cut', () => {
  const payloads = [
    'a',
    'a\nb',
    'x'.repeat(125),
    `${'y'.repeat(60)}\n${'y'.repeat(90)}`,
    'z'.repeat(65_536),
    '{}',
  ]
  const bytes = Buffer.concat(payloads.map(frame))
  for (const size of [1, 2, 3, 7, 130, bytes.length]) {
    const seen = { messages: 0, pings: 0 }
    const counter = frameCounter({
      onMessages(count) {
        seen.messages += count
      },
      onPing() {
        seen.pings++
      },
    })
    for (let at = 0; at < bytes.length; at += size) counter.feed(bytes.subarray(at, at + size))
    expect(seen).toEqual({ messages: 7, pings: 1 })
  }
})
