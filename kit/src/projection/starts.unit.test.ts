import { expect, it } from 'vitest'
import { startsOf } from './replay.ts'

const ranges = {
  a: [
    { first: 5, end: 9 },
    { first: 0, end: 3 },
  ],
  b: [{ first: 2, end: 2 }],
}

it('begins where what was read before ends, and otherwise with the first record that there is', () => {
  expect(startsOf(ranges, { a: [7, 3] })).toEqual({ a: [7, 3], b: [2] })
  expect(startsOf(ranges, {})).toEqual({ a: [5, 0], b: [2] })
})

it('tells records that are in neither, and a topic that is another one', () => {
  expect(() => startsOf(ranges, { a: [4, 0] })).toThrow('a: records 4 to 4 of partition 0 are gone')
  expect(() => startsOf(ranges, { a: [5, 4] })).toThrow('a: partition 1 ends at 3, before 4')
})
