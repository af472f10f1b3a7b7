/**
 * Does something again and again, with a pause between. A failure is told, and does not end it.
 *
 * @returns stops, when what is under way is done
 */
export const every = (
  pauseMs: number,
  work: () => Promise<unknown>,
  onFailure: (error: unknown) => void,
): (() => Promise<void>) => {
  let stopped = false
  let wake = (): void => undefined
  const run = async (): Promise<void> => {
    while (!stopped) {
      try {
        await work()
      } catch (error) {
        onFailure(error)
      }
      await new Promise<void>((resolve) => {
        if (stopped) {
          resolve()
          return
        }
        const timer = setTimeout(resolve, pauseMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  const running = run()
  return () => {
    stopped = true
    wake()
    return running
  }
}
