import { expect, test } from 'vitest'
import { countField, cursor, nextCursor } from './fields.ts'

const byName = cursor(
  'names',
  (name: string) => name,
  (text) => (text === '' ? undefined : text),
)
const byAge = cursor('ages', String, (text) => (/^\d+$/.test(text) ? Number(text) : undefined))

test('a cursor stands for its place, whatever is in it', () => {
  for (const name of ['Ana', 'a:b:c', 'zwei\nZeilen', 'Žižek']) {
    const text = byName.write(name)
    expect(text).toMatch(/^[\w-]+$/)
    expect(byName.field.parse(text)).toBe(name)
  }
  expect(byAge.field.parse(byAge.write(42))).toBe(42)
})

test.each([
  ['of another list', byAge.write(42)],
  ['of no place', byName.write('')],
  ['of the kind alone', Buffer.from('names').toString('base64url')],
  ['that somebody made up', 'names:Ana'],
  ['that is empty', ''],
  ['that is long', byName.write('x'.repeat(200))],
])('a cursor %s is refused', (_what, text) => {
  expect(byName.field.safeParse(text).success).toBe(false)
})

test('a page that is not full is the last one, and so is an empty one', () => {
  expect(nextCursor(['Ana', 'Bob'], 2, byName.write)).toBe(byName.write('Bob'))
  expect(nextCursor(['Ana'], 2, byName.write)).toBeNull()
  expect(nextCursor([], 2, byName.write)).toBeNull()
})

test('a count is a whole number within its bounds', () => {
  const limit = countField(1, 100, 50)
  expect([limit.parse(undefined), limit.parse('1'), limit.parse('100')]).toEqual([50, 1, 100])
  for (const wrong of ['0', '101', '1.5', 'many']) expect(limit.safeParse(wrong).success).toBe(false)
})
