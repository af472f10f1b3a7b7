import { expect, test } from 'vitest'
import { barsOf } from './bars.ts'

test('each bar is as high as the widest swing of its stretch, the loudest 1', () => {
  expect(barsOf([-10, 10, -40, 60, 0, 0, -5, 5], 2)).toEqual([1, 0.1])
})

test('fewer samples than bars, or none, still make all bars', () => {
  expect(barsOf([-8, 8], 3)).toEqual([1, 1, 1])
  expect(barsOf([], 4)).toEqual([0, 0, 0, 0])
})
