/** A source of numbers in [0, 1) that is the same for the same seed (mulberry32). */
export type Random = () => number

export const seeded = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number, `min` and `max` included. */
export const between = (random: Random, min: number, max: number): number =>
  min + Math.floor(random() * (max - min + 1))

const words =
  'the quick brown fox jumps over a lazy dog while seven wizards mix grog in old Zürich, 東京 and Кириллица'.split(
    ' ',
  )

/** Text of `characters` UTF-16 units, made of words. */
export const sentence = (random: Random, characters: number): string => {
  let text = ''
  while (text.length < characters) text += `${words[Math.floor(random() * words.length)] ?? ''} `
  return text.slice(0, characters).trimEnd().padEnd(characters, '.')
}
