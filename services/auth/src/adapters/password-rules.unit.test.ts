import { describe, expect, it } from 'vitest'
import { createPasswordRules } from './password-rules.ts'

const isGuessable = createPasswordRules()

describe('the rules for passwords', () => {
  it.each([
    'password',
    'password1',
    'P@ssw0rd',
    'qwertyuiop',
    '12345678',
    'iloveyou2',
    'dragon99',
    'aaaaaaaa',
    'abcdefgh',
    'passwordpassword',
    'x'.repeat(256),
  ])('refuse %s', (password) => {
    expect(isGuessable(password, [])).toBe(true)
  })

  it.each([
    'correct horse battery',
    'café café',
    'tr7-Blaukraut',
    'nine words that stand in no list of anybody',
  ])('take %s', (password) => {
    expect(isGuessable(password, ['ana@example.org', 'Ana'])).toBe(false)
  })

  it('refuse what the person is called', () => {
    for (const password of ['anastasia.meyer@example.org', 'AnastasiaMeyer', 'meyer1990'])
      expect(isGuessable(password, ['anastasia.meyer@example.org', 'Anastasia Meyer'])).toBe(true)
    expect(isGuessable('AnastasiaMeyer', [])).toBe(false)
  })
})
