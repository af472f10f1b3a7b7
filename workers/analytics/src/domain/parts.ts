/** Stretches of a track in whole seconds, `from, to, from, to, …`: ascending, none touching the next. */
export type Parts = readonly number[]

/** All of both. Adding what is there changes nothing, and the order does not matter. */
export const union = (one: Parts, other: Parts): Parts => {
  if (other.length === 0 || one === other) return one
  if (one.length === 0) return other
  const all: number[] = []
  let end = -1
  const add = (from: number, to: number): void => {
    if (end >= 0 && from <= end) all[all.length - 1] = end = Math.max(end, to)
    else all.push(from, (end = to))
  }
  let [i, j] = [0, 0]
  while (i < one.length || j < other.length) {
    const fromOne = j >= other.length || (i < one.length && (one[i] ?? 0) <= (other[j] ?? 0))
    if (fromOne) add(one[i++] ?? 0, one[i++] ?? 0)
    else add(other[j++] ?? 0, other[j++] ?? 0)
  }
  return all
}

export const lengthOf = (parts: Parts): number => {
  let length = 0
  for (let at = 0; at < parts.length; at += 2) length += (parts[at + 1] ?? 0) - (parts[at] ?? 0)
  return length
}

/** `from-to;from-to` */
export const writeParts = (parts: Parts): string => {
  let text = ''
  for (let at = 0; at < parts.length; at += 2)
    text += `${text === '' ? '' : ';'}${parts[at] ?? 0}-${parts[at + 1] ?? 0}`
  return text
}

export const readParts = (text: string): Parts => (text === '' ? [] : text.split(/[-;]/).map(Number))
