import { describe, expect, it } from 'vitest'
import { checkPost, limits } from './limits.ts'

const check = (body: unknown, clientMessageId: unknown = 'c-1') => checkPost({ clientMessageId, body })

describe('a body', () => {
  it.each([
    ['one letter', 'a'],
    ['letters of 4,000 code points outside the first plane', '🎧'.repeat(limits.body)],
    ['combining marks and joiners, counted by code point', '👨‍👩‍👧'.repeat(800)],
    ['control characters but NUL', 'a\u0001\tb\r\n'],
    ['a non-character and private use', '\uFFFF\uE000'],
    ['white space around', '  hi  '],
  ])('of %s is returned unchanged', (_what, body) => {
    expect(check(body)).toEqual({ clientMessageId: 'c-1', body })
  })

  it.each([
    ['nothing', '', 'body-empty'],
    ['white space of many kinds', ' \t\r\n\u0085\u00A0\u1680\u2003\u2028\u3000\uFEFF', 'body-empty'],
    ['4,001 code points', 'a'.repeat(limits.body + 1), 'body-too-long'],
    ['4,001 code points outside the first plane', '🎧'.repeat(limits.body + 1), 'body-too-long'],
    ['white space beyond the limit', ' '.repeat(limits.body + 1), 'body-too-long'],
    ['a lone high surrogate', 'a\uD83C', 'body-invalid'],
    ['a lone low surrogate', '\uDFA7a', 'body-invalid'],
    ['surrogates in the wrong order', '\uDFA7\uD83C', 'body-invalid'],
    ['NUL', 'a\0b', 'body-invalid'],
    ['no text', 7, 'body-invalid'],
    ['null', null, 'body-invalid'],
    ['undefined', undefined, 'body-invalid'],
    ['a String object', new String('a'), 'body-invalid'],
  ])('of %s is refused', (_what, body, code) => {
    expect(check(body)).toEqual({ code })
  })
})

describe('a clientMessageId', () => {
  it.each([['c'], [' '], ['x'.repeat(64)], ['🎧'.repeat(64)], ['\uFFFF']])('%j is any string', (id) => {
    expect(check('hi', id)).toEqual({ clientMessageId: id, body: 'hi' })
  })

  it.each([
    [''],
    ['x'.repeat(65)],
    ['🎧'.repeat(65)],
    ['a\0'],
    ['\uD83C'],
    [7],
    [null],
    [undefined],
    [['c']],
  ])('%j is refused', (id) => {
    // Not by default value: undefined is a case.
    expect(checkPost({ clientMessageId: id, body: 'hi' })).toEqual({ code: 'invalid-client-message-id' })
  })
})
