/**
 * Asks for many at once: whatever is asked for before the present task ends goes out together, and what was asked for twice
 * goes out once.
 *
 * @param most that one question may be about
 * @param ask answers by id; who is not in the answer is not there
 */
export const gathering = <T>(
  most: number,
  ask: (ids: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): ((id: string) => Promise<T | undefined>) => {
  let open: { readonly ids: Set<string>; readonly answers: Promise<ReadonlyMap<string, T>> } | undefined
  const begin = () => {
    const ids = new Set<string>()
    const answers = Promise.resolve().then(() => {
      if (open?.ids === ids) open = undefined
      return ask([...ids])
    })
    return { ids, answers }
  }
  return async (id) => {
    if (open === undefined || open.ids.size === most) open = begin()
    open.ids.add(id)
    return (await open.answers).get(id)
  }
}
