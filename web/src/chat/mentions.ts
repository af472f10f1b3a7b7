/** Somebody whom a text may call by name. */
export interface Named {
  readonly id: string
  readonly name: string
}

/** A name that is being written: where its @ is, and what follows it up to the caret. */
interface Begun {
  readonly at: number
  readonly query: string
}

/** Most that the API takes with one message. */
const mostMentions = 50
const mostOffered = 6

const begun = /(?<=^|[\s(])@([^\s@]{0,40})$/u
const wordCharacter = /[\p{L}\p{N}_]/u

/** The name that is being written where the caret is. An address of e-mail is none. */
export const mentionBegun = (text: string, caret: number): Begun | undefined => {
  const match = begun.exec(text.slice(0, caret))
  return match === null ? undefined : { at: match.index, query: match[1] ?? '' }
}

const plain = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()

/** Whose name, or a word of it, begins so. Accents and case do not count. */
export const offered = (people: readonly Named[], query: string): readonly Named[] =>
  people
    .filter(({ name }) => [name, ...name.split(/\s+/)].some((each) => plain(each).startsWith(plain(query))))
    .slice(0, mostOffered)

/** The text with the name in place of what was begun, and where the caret is then. */
export const withMention = (
  text: string,
  { at, query }: Begun,
  name: string,
): { text: string; caret: number } => {
  const before = `${text.slice(0, at)}@${name} `
  const after = text.slice(at + 1 + query.length)
  return { text: before + after.replace(/^ /, ''), caret: before.length }
}

type Part = string | { readonly mentions: Named }

/** A text cut where it calls somebody by name: the longest name that fits, as a word of its own. */
export const partsOf = (text: string, people: readonly Named[]): readonly Part[] => {
  const longestFirst = people.toSorted((one, other) => other.name.length - one.name.length)
  const parts: Part[] = []
  let from = 0
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    if (at < from || (at > 0 && wordCharacter.test(text[at - 1] ?? ''))) continue
    const named = longestFirst.find(
      ({ name }) =>
        name !== '' &&
        text.startsWith(name, at + 1) &&
        !wordCharacter.test(text.slice(at + 1 + name.length).slice(0, 1)),
    )
    if (named === undefined) continue
    if (at > from) parts.push(text.slice(from, at))
    parts.push({ mentions: named })
    from = at + 1 + named.name.length
  }
  if (from < text.length) parts.push(text.slice(from))
  return parts
}

/** Ids of those whom the text calls by name, each once. */
export const mentionedIn = (text: string, people: readonly Named[]): readonly string[] => {
  const ids = partsOf(text, people).flatMap((part) => (typeof part === 'string' ? [] : [part.mentions.id]))
  return [...new Set(ids)].slice(0, mostMentions)
}
