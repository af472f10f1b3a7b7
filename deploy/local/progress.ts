/** Says what is going on, a line each. */
export type Progress = (line: string) => void

/** Reports a step when it is done, with the seconds that it took. */
export const timed = async <T>(
  progress: Progress,
  what: (result: T) => string,
  step: () => Promise<T>,
): Promise<T> => {
  const from = Date.now()
  const result = await step()
  progress(`${what(result)} (${((Date.now() - from) / 1000).toFixed(1)} s)`)
  return result
}
