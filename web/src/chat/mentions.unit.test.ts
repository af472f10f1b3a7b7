import { describe, expect, it } from 'vitest'
import { mentionBegun, mentionedIn, offered, partsOf, withMention } from './mentions.ts'

const ann = { id: 'a', name: 'Ann' }
const anna = { id: 'b', name: 'Anna Bell' }
const zoe = { id: 'c', name: 'Zoë' }
const people = [ann, anna, zoe]

describe('a name that is being written', () => {
  it('begins with @ at the beginning of a word, and ends at the caret', () => {
    expect(mentionBegun('@', 1)).toEqual({ at: 0, query: '' })
    expect(mentionBegun('hello @an there', 9)).toEqual({ at: 6, query: 'an' })
    expect(mentionBegun('(@zo', 4)).toEqual({ at: 1, query: 'zo' })
  })

  it('is none in an address of e-mail, after a space, or before its @', () => {
    expect(mentionBegun('ann@example', 11)).toBeUndefined()
    expect(mentionBegun('@ann ', 5)).toBeUndefined()
    expect(mentionBegun('hi @ann', 2)).toBeUndefined()
  })

  it('is offered those of whom any word begins so, whatever the case and the accents', () => {
    expect(offered(people, 'AN')).toEqual([ann, anna])
    expect(offered(people, 'bel')).toEqual([anna])
    expect(offered(people, 'zoe')).toEqual([zoe])
    expect(offered(people, 'x')).toEqual([])
  })

  it('gives way to the name that was chosen, with one space behind it', () => {
    expect(withMention('hi @an', { at: 3, query: 'an' }, 'Ann')).toEqual({ text: 'hi @Ann ', caret: 8 })
    expect(withMention('hi @an you', { at: 3, query: 'an' }, 'Ann')).toEqual({
      text: 'hi @Ann you',
      caret: 8,
    })
  })
})

describe('a text that calls people by name', () => {
  it('is cut at the longest name that stands as a word of its own', () => {
    expect(partsOf('@Anna Bell, and @Ann!', people)).toEqual([
      { mentions: anna },
      ', and ',
      { mentions: ann },
      '!',
    ])
    expect(partsOf('@Annabel x@Ann @Nobody', people)).toEqual(['@Annabel x@Ann @Nobody'])
    expect(partsOf('', people)).toEqual([])
  })

  it('mentions each of them once', () => {
    expect(mentionedIn('@Ann @Zoë @Ann', people)).toEqual(['a', 'c'])
    expect(mentionedIn('nobody', people)).toEqual([])
  })

  it('takes what a name holds as it is', () => {
    const odd = { id: 'd', name: '<b>(x) [.*' }
    expect(partsOf('@<b>(x) [.* hi', [odd])).toEqual([{ mentions: odd }, ' hi'])
  })
})
