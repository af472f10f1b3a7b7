import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  normaliseBirthDate,
  normaliseHandle,
  normaliseLanguage,
  normaliseLine,
  normaliseLink,
  normalisePhone,
  normaliseText,
  normaliseTimeZone,
  searchForm,
} from './fields.ts'

const seed = 20261124
const today = new Date('2026-11-24T00:00:00Z')

describe('every form', () => {
  test.each([
    ['a line', (text: string) => normaliseLine(text, 80)],
    ['a text', (text: string) => normaliseText(text, 500)],
    ['a handle', normaliseHandle],
    ['a link', normaliseLink],
    ['a telephone number', normalisePhone],
    ['a language', normaliseLanguage],
    ['a time zone', normaliseTimeZone],
    ['what search compares', searchForm],
  ])('of %s is its own form', (_, normalise) => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        ' Zoe\u0308 ',
        '@Ana_1',
        'https://EXAMPLE.org',
        '+49 30 123456',
        'pt-br',
        'europe/paris',
      ),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const once = normalise(text)
        if (once !== undefined) expect(normalise(once)).toBe(once)
      }),
      { seed, numRuns: 50 },
    )
  })
})

test.each([
  ['@Ana_1', 'ana_1'],
  ['ab', undefined],
  ['a'.repeat(31), undefined],
  ['na\u00efve', undefined],
])('the handle %j is %j', (text, handle) => {
  expect(normaliseHandle(text)).toBe(handle)
})

test.each([
  ['https://example.org/a b', 'https://example.org/a%20b'],
  ['http://example.org', undefined],
  ['https://ana@example.org', undefined],
  ['no address', undefined],
  [`https://example.org/${'x'.repeat(500)}`, undefined],
  [`https://example.org/${'\u00fc'.repeat(200)}`, undefined],
])('the link %j is %j', (text, link) => {
  expect(normaliseLink(text)).toBe(link)
})

test.each([
  ['2000-02-29', '2000-02-29'],
  ['2001-02-29', undefined],
  ['1899-12-31', undefined],
  ['2026-11-24', undefined],
  ['24.11.1990', undefined],
  ['2000-13-01', undefined],
])('the day of birth %j is %j', (text, day) => {
  expect(normaliseBirthDate(text, today)).toBe(day)
})

it('a name of several languages is found by its plain letters', () => {
  expect(searchForm('  Zo\u00eb  M\u00fcller-\uff21 ')).toBe('zoe muller-a')
})

it('a text has lines, but nothing that rearranges the page', () => {
  expect(normaliseText('a\r\nb\rc\n', 10)).toBe('a\nb\nc')
  expect(normaliseText('a\u202eb', 10)).toBeUndefined()
  expect(normaliseText('a\u0007', 10)).toBeUndefined()
  expect(normaliseText('\u{1f3a7}'.repeat(10), 10)).toBe('\u{1f3a7}'.repeat(10))
  expect(normaliseText('\u{1f3a7}'.repeat(11), 10)).toBeUndefined()
})
