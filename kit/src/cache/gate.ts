/** More wait for the database than it is let to work for. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded'
}

export type Gate = <T>(work: () => Promise<T>) => Promise<T>

/** Lets so many work at once; others wait, and beyond so many waiting are refused. Rejects Overloaded. */
export const createGate = ({
  atOnce,
  waiting,
}: {
  readonly atOnce: number
  readonly waiting: number
}): Gate => {
  let running = 0
  const queue: (() => void)[] = []
  return async (work) => {
    if (running >= atOnce) {
      if (queue.length >= waiting) throw new Overloaded(`${queue.length} wait for the database already`)
      // Who leaves hands its place over, so that `running` stays as it is.
      await new Promise<void>((resolve) => queue.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
