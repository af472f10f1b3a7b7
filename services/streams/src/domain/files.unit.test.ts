import fc from 'fast-check'
import { expect, it } from 'vitest'
import { contentTypeOf, readRange } from './files.ts'

it.each([
  [undefined, 10, undefined],
  ['bytes=-', 10, undefined],
  ['bytes=2-1', 10, undefined],
  ['bytes=0-1,3-4', 10, undefined],
  ['bytes=1e3-', 10, undefined],
  [' bytes=3-5 ', 10, { start: 3, end: 5 }],
  ['bytes=3-', 10, { start: 3, end: 9 }],
  ['bytes=9-999999999999999', 10, { start: 9, end: 9 }],
  ['bytes=-4', 10, { start: 6, end: 9 }],
  ['bytes=-11', 10, { start: 0, end: 9 }],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=10-', 10, 'unsatisfiable'],
  // Of nothing there is no part.
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-5', 0, 'unsatisfiable'],
] as const)('reads Range %j of %i bytes', (header, size, expected) => {
  expect(readRange(header, size)).toEqual(expected)
})

it('gives no byte that is not there, whatever is asked for', () => {
  const end = fc.oneof(fc.constant(''), fc.nat({ max: 30 }).map(String))
  fc.assert(
    fc.property(end, end, fc.nat({ max: 20 }), (first, last, size) => {
      const range = readRange(`bytes=${first}-${last}`, size)
      if (typeof range !== 'object') return
      expect(range.start).toBeGreaterThanOrEqual(0)
      expect(range.start).toBeLessThanOrEqual(range.end)
      expect(range.end).toBeLessThan(size)
    }),
    { seed: 1 },
  )
})

it('knows the files of a stream, and no other', () => {
  expect(
    ['master.m3u8', '96k/index.m3u8', '256k/init_0.mp4', '96k/0000.m4s', 'progressive.mp4', 'track.json'].map(
      contentTypeOf,
    ),
  ).not.toContain(undefined)
  for (const path of ['', 'waveform.dat', '96k/../track.json', '/master.m3u8', '96k/0000.m4s.tmp', '96k'])
    expect(contentTypeOf(path), path).toBeUndefined()
})
