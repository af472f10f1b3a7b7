import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalisePassword, parseDisplayName, parseEmail, parsePassword } from './credentials.ts'

const seed = 20261122

describe('an e-mail address', () => {
  it.each([
    ['Ana@Example.ORG', 'ana@example.org'],
    ['  ana@example.org\n', 'ana@example.org'],
    ['ａｎａ＠example.org', 'ana@example.org'],
    ['ana+tracks@mail.example.org', 'ana+tracks@mail.example.org'],
    ["o'brien@example.org", "o'brien@example.org"],
    ['ana@bücher.example', 'ana@xn--bcher-kva.example'],
    ['ana@XN--BCHER-KVA.example', 'ana@xn--bcher-kva.example'],
    ['žiga@example.org', 'žiga@example.org'],
    ['z\u030ciga@example.org', 'žiga@example.org'],
    [`${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`],
  ])('%j is %j', (input, email) => {
    expect(parseEmail(input)).toBe(email)
  })

  it.each([
    '',
    'ana',
    '@example.org',
    'ana@',
    'ana@localhost',
    'ana@@example.org',
    'a na@example.org',
    '.ana@example.org',
    'ana.@example.org',
    'a..na@example.org',
    'ana@example..org',
    'ana@-example.org',
    'ana@127.0.0.1',
    'ana@[127.0.0.1]',
    'ana@example.123',
    'ana@example.org:25',
    'ana@example.org/x',
    'ana@xn--a.example',
    '"ana"@example.org',
    'ana\u0000@example.org',
    'ana\ud800@example.org',
    'ana@example.org\r\nBcc: bob@example.org',
    `${'a'.repeat(65)}@example.org`,
    `${'é'.repeat(33)}@example.org`,
    `ana@${'a'.repeat(64)}.org`,
    `ana@${'abcdefghi.'.repeat(25)}org`,
  ])('%j is refused', (input) => {
    expect(parseEmail(input)).toBeUndefined()
  })

  it('has one normal form', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary' })), (input) => {
        const email = parseEmail(input)
        if (email === undefined) return
        expect(parseEmail(email)).toBe(email)
        expect(parseEmail(email.toUpperCase().toLowerCase())).toBe(email)
        expect(email).not.toMatch(/[\s\p{C}]/u)
      }),
      { seed },
    )
  })
})

describe('a display name', () => {
  it.each([
    [' Ana ', 'Ana'],
    ['e\u0301', 'é'],
    ['👩‍🎤', '👩‍🎤'],
    ['王', '王'],
    ['🎧'.repeat(80), '🎧'.repeat(80)],
  ])('%j is %j', (input, name) => {
    expect(parseDisplayName(input)).toBe(name)
  })

  it.each([
    '',
    '   ',
    '\u200b\u200d',
    'a\nb',
    'a\u0000b',
    'a\u2028b',
    'a\u202eb',
    'a\u2066b',
    'a\ud800',
    'a'.repeat(81),
  ])('%j is refused', (input) => {
    expect(parseDisplayName(input)).toBeUndefined()
  })

  it('has one normal form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (input) => {
        const name = parseDisplayName(input)
        if (name !== undefined) expect(parseDisplayName(name)).toBe(name)
      }),
      { seed },
    )
  })
})

describe('a password', () => {
  it('is the same from every keyboard', () => {
    expect(parsePassword('cafe\u0301 cafe')).toBe('café cafe')
    expect(normalisePassword('cafe\u0301')).toBe('café')
  })

  it('keeps its blanks', () => {
    expect(parsePassword(' 1234567')).toBe(' 1234567')
  })

  it('has 8 to 256 characters, counted as people do', () => {
    expect(parsePassword('🎧'.repeat(7))).toBeUndefined()
    expect(parsePassword('🎧'.repeat(8))).toBe('🎧'.repeat(8))
    expect(parsePassword('🎧'.repeat(256))).toBe('🎧'.repeat(256))
    expect(parsePassword('a'.repeat(257))).toBeUndefined()
    expect(parsePassword(`${'e\u0301'.repeat(4)}123`)).toBeUndefined()
  })

  it('is well-formed: two lone surrogates would be stored as one and the same character', () => {
    expect(parsePassword('12345678\ud800')).toBeUndefined()
  })
})
