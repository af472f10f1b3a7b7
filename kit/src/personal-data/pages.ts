/**
 * A list that is read a page at a time, as whoever takes it gets on: a long one is never in memory as a whole.
 *
 * @param read the page after an item, of the list's beginning where none is given; an empty one is the end
 */
export async function* inPages<T>(read: (after: T | undefined) => Promise<readonly T[]>): AsyncGenerator<T> {
  for (let after: T | undefined; ;) {
    const page = await read(after)
    yield* page
    after = page.at(-1)
    if (after === undefined) return
  }
}
