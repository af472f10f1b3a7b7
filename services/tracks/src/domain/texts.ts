/** Longest texts, in code points; `tags` counts them. */
export const longest = {
  ...{ title: 200, artist: 200, description: 4000, genre: 50, tag: 30, tags: 10, comment: 1000 },
} as const

const unstorable = /[\0\p{Surrogate}]/u
const control = /[\p{Cc}\p{Zl}\p{Zp}]/u
const spaces = /[\p{Cc}\p{Zl}\p{Zp}\p{Zs}]+/gu

/**
 * A line as it is stored: NFC, trimmed. undefined when it is empty, longer than `max` code points, or holds control
 * characters, line separators or lone surrogates.
 */
export const normaliseLine = (text: string, max: number): string | undefined => {
  const line = text.normalize('NFC').trim()
  const length = Array.from(line).length
  return length >= 1 && length <= max && !unstorable.test(line) && !control.test(line) ? line : undefined
}

/** Text of several lines: NFC, trimmed, maybe empty. undefined when it is too long or could not be stored. */
export const normaliseText = (text: string, max: number): string | undefined => {
  const whole = text.normalize('NFC').trim()
  return Array.from(whole).length <= max && !unstorable.test(whole) ? whole : undefined
}

const bestOf = (text: string | undefined, max: number): string | undefined => {
  const line = (text ?? '')
    .replaceAll(/\p{Surrogate}/gu, '')
    .normalize('NFC')
    .replaceAll(spaces, ' ')
    .trim()
  return line === '' ? undefined : Array.from(line).slice(0, max).join('').trim()
}

/** As it is searched for: without accents and other marks, which whoever looks for it may not type. */
export const withoutMarks = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .normalize('NFC')

/** The last part of a path of any system, and nothing that a terminal or a header would trip over. */
export const normaliseFilename = (name: string | undefined): string =>
  bestOf(name?.split(/[/\\]/).at(-1), longest.title) ?? ''

/** What a client said is the title, as near to it as can be stored; undefined: nothing is left of it. */
export const normaliseTitle = (said: string | undefined): string | undefined => bestOf(said, longest.title)

/** A title for whatever comes: what the client said, else the file's tags, else its name without the ending. */
export const titleOf = (said: string | undefined, tagged: string | undefined, filename: string): string =>
  normaliseTitle(said) ??
  normaliseTitle(tagged) ??
  normaliseTitle(filename.replace(/\.[^.]{1,5}$/, '')) ??
  'Untitled'
