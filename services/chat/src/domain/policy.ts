/** What a room lets its members post. */
export interface Policy {
  readonly archived: boolean
  /** Between two posts of one member at least; 0 = no slow mode. */
  readonly slowModeSeconds: number
  readonly blocks: (text: string) => boolean
}

export const openPolicy: Policy = { archived: false, slowModeSeconds: 0, blocks: () => false }

/** Texts that look alike to a reader are alike here: compatibility forms are folded, and case. */
export const normaliseWord = (word: string): string => word.normalize('NFKC').toLowerCase().trim()

/**
 * Whether a text holds one of the words: whole words, or whole phrases, whatever their case. "ass" does not block
 * "class". No words block nothing.
 */
export const wordFilter = (words: readonly string[]): ((text: string) => boolean) => {
  if (words.length === 0) return openPolicy.blocks
  const alternatives = words.map((word) => normaliseWord(word).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${alternatives.join('|')})(?![\\p{L}\\p{N}])`, 'u')
  return (text) => pattern.test(text.normalize('NFKC').toLowerCase())
}
