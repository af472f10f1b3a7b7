import { describe, expect, it } from 'vitest'
import { wordFilter } from './policy.ts'

describe('wordFilter', () => {
  const blocks = wordFilter(['Spam', 'buy now', 'c++', '(a|b)'])
  it.each(['SPAM!', 'no spam here', 'Buy now.', 'I like C++', 'ｓｐａｍ', 'see (a|b)'])(
    'blocks %j',
    (text) => {
      expect(blocks(text)).toBe(true)
    },
  )
  it.each(['spammer', 'antispam', 'buy  now', 'a', 'ab', ''])('lets %j through', (text) => {
    expect(blocks(text)).toBe(false)
  })
  it('blocks nothing without words', () => {
    expect(wordFilter([])('spam')).toBe(false)
  })
})
