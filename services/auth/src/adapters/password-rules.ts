import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'

/** Whether a password would fall to a guesser who knows the person's own data and the lists of leaked passwords. */
export type IsGuessable = (password: string, personal: readonly string[]) => boolean

// A guesser that is slowed down by the limits on attempts gets through fewer than this in years (zxcvbn's score 2).
const leastGuesses = 1e6

// The work grows with the square of the length: 2 ms for this many. A strong beginning makes the whole strong.
const examined = 40

/**
 * Passwords that were leaked often, and what is derived from them by case, digits at the end, l33t, repetition,
 * keyboard walks, dates. The list (some 30,000) comes with @zxcvbn-ts/language-common; nothing is asked of anybody.
 */
export const createPasswordRules = (): IsGuessable => {
  const zxcvbn = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: examined })
  return (password, personal) => {
    const words = personal
      .flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)])
      .filter((word) => word.length > 2)
    return zxcvbn.check(password.slice(0, examined), words).guesses < leastGuesses
  }
}
