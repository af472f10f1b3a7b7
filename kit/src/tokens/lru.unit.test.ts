import { expect, test } from 'vitest'
import { createLru } from './lru.ts'

test('forgets what was not used for longest', () => {
  const lru = createLru<string, number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  expect(lru.get('a')).toBe(1)
  lru.set('c', 3)
  expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([1, undefined, 3])
})

test('a key that is set again keeps one place', () => {
  const lru = createLru<string, number>(2)
  lru.set('a', 1)
  lru.set('a', 2)
  lru.set('b', 3)
  expect([lru.get('a'), lru.get('b')]).toEqual([2, 3])
  lru.delete('a')
  expect(lru.get('a')).toBeUndefined()
})
