/** Longest texts, in code points; `tags` counts them. */
export const longest = {
  ...{ title: 200, artist: 200, album: 200, description: 4000, genre: 50, tag: 30, tags: 10, comment: 1000 },
} as const

// Control characters and lone surrogates have no place in a text; bidirectional overrides and isolates would rearrange the
// page around it. As users has it for names.
const unfit = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u
const unfitInLines = /[\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]|(?![\n\t])\p{Cc}/u
const unseen = /[\p{Cs}\u202a-\u202e\u2066-\u2069]/gu
const spaces = /[\p{Cc}\p{Zl}\p{Zp}\p{Zs}]+/gu
// Some letters and signs are blank: the Hangul fillers, the empty pattern of Braille.
const visible = /(?!\p{Default_Ignorable_Code_Point}|\u2800)[\p{L}\p{N}\p{P}\p{S}]/u

/**
 * A line as it is stored: NFC, trimmed. undefined when nothing of it can be seen, it is longer than `max` code points, or
 * holds what no line has.
 */
export const normaliseLine = (text: string, max: number): string | undefined => {
  const line = text.normalize('NFC').trim()
  return visible.test(line) && Array.from(line).length <= max && !unfit.test(line) ? line : undefined
}

/** Text of several lines: NFC, trimmed, line ends made \n, maybe empty. undefined when it is too long or holds what no text has. */
export const normaliseText = (text: string, max: number): string | undefined => {
  const whole = text.normalize('NFC').replaceAll(/\r\n?/g, '\n').trim()
  return Array.from(whole).length <= max && !unfitInLines.test(whole) ? whole : undefined
}

/** As near to what somebody or something said as can be stored; undefined: nothing is left of it. */
export const nearestLine = (text: string | undefined, max: number): string | undefined => {
  const line = (text ?? '').replaceAll(unseen, '').normalize('NFC').replaceAll(spaces, ' ').trim()
  return visible.test(line) ? Array.from(line).slice(0, max).join('').trim() : undefined
}

/** As it is searched for: without accents and other marks, which whoever looks for it may not type. */
export const withoutMarks = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .normalize('NFC')

/** What a genre or tag is found by: these differ in accents and case from person to person. */
export const labelOf = (kind: 'genre' | 'tag', text: string): string =>
  `${kind}:${withoutMarks(text).toLowerCase()}`

/** Of tags that are found by the same the first. */
export const distinctTags = (tags: readonly string[]): string[] => {
  const labels = tags.map((tag) => labelOf('tag', tag))
  return tags.filter((_, index) => labels.indexOf(labels[index] ?? '') === index)
}

/** The last part of a path of any system, and nothing that a terminal or a header would trip over. */
export const normaliseFilename = (name: string | undefined): string =>
  nearestLine(name?.split(/[/\\]/).at(-1), longest.title) ?? ''

/** What a client said is the title, as near to it as can be stored; undefined: nothing is left of it. */
export const normaliseTitle = (said: string | undefined): string | undefined =>
  nearestLine(said, longest.title)

/** A title for whatever comes: what the client said, else the file's tags, else its name without the ending. */
export const titleOf = (said: string | undefined, tagged: string | undefined, filename: string): string =>
  normaliseTitle(said) ??
  normaliseTitle(tagged) ??
  normaliseTitle(filename.replace(/\.[^.]{1,5}$/, '')) ??
  'Untitled'
