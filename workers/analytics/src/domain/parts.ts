/** Stretches of a track in whole seconds, `from, to, from, to, …`: ascending, none touching the next. */
export type Parts = readonly number[]

/** All of both. Adding what is there changes nothing, and the order does not matter. */
export const union = (one: Parts, other: Parts): Parts => {
  if (other.length === 0 || one === other) return one
  if (one.length === 0) return other
  const all: number[] = []
  let [i, j] = [0, 0]
  while (i < one.length || j < other.length) {
    const fromOne = j >= other.length || (i < one.length && (one[i] ?? 0) <= (other[j] ?? 0))
    const [from = 0, to = 0] = fromOne ? one.slice(i, i + 2) : other.slice(j, j + 2)
    if (fromOne) i += 2
    else j += 2
    const end = all.at(-1)
    if (end !== undefined && from <= end) all[all.length - 1] = Math.max(end, to)
    else all.push(from, to)
  }
  return all
}

export const lengthOf = (parts: Parts): number =>
  parts.reduce((sum, second, index) => (index % 2 === 0 ? sum - second : sum + second), 0)

/** `from-to;from-to` */
export const writeParts = (parts: Parts): string => {
  let text = ''
  for (let at = 0; at < parts.length; at += 2)
    text += `${text === '' ? '' : ';'}${parts[at] ?? 0}-${parts[at + 1] ?? 0}`
  return text
}

export const readParts = (text: string): Parts => (text === '' ? [] : text.split(/[-;]/).map(Number))
