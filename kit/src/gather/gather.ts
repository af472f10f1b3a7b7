/** More than so many are asked for in several questions, each of a length that a database plans well. */
const mostAtOnce = 200

/**
 * Asks for entities together: one question for all that are asked for in one turn of the event loop, whoever asks. The
 * busier a process is, the longer its turns, the more of them go into one question; one that is asked for alone does not
 * wait. The question is put after each of them was asked for, so the answer is as new as one's own would have been.
 *
 * @param ask what is not in the answer is not there. What it rejects with, all are told.
 */
export const gather = <T>(
  ask: (ids: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): ((id: string) => Promise<T | undefined>) => {
  let gathering: { readonly ids: Set<string>; readonly answers: Promise<ReadonlyMap<string, T>> } | undefined
  const begin = () => {
    const ids = new Set<string>()
    const answers = new Promise((resolve) => setImmediate(resolve)).then(() => {
      if (gathering?.ids === ids) gathering = undefined
      return ask([...ids])
    })
    return { ids, answers }
  }
  return async (id) => {
    if (gathering === undefined || gathering.ids.size >= mostAtOnce) gathering = begin()
    gathering.ids.add(id)
    return (await gathering.answers).get(id)
  }
}
