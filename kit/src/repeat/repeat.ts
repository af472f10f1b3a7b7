import { type Logger } from '../log/index.ts'

/** Work that is done again and again, one run after the other. */
export interface Repeated {
  /** Has it done now, or as soon as the run under way has ended. */
  wake(): void
  /** Ends it. Resolves when the run under way has ended. */
  close(): Promise<void>
}

/**
 * Does work at once, and again so many milliseconds after each run; at once again while it answers true (there is more). A
 * failure is logged, and the next run is another attempt. Every process of a service does so: the work has to be such that
 * doing it twice is doing it once. It keeps no process alive.
 */
export const repeat = (
  name: string,
  { everyMs, log }: { everyMs: number; log: Logger },
  work: () => Promise<unknown>,
): Repeated => {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let [again, closed] = [false, false]

  const run = async (): Promise<void> => {
    do {
      again = false
      try {
        if ((await work()) === true) again = true
      } catch (error) {
        log.warn({ err: error, work: name }, 'will try again')
      }
    } while (again && !closed)
  }
  const start = (): void => {
    clearTimeout(timer)
    running = run().then(() => {
      running = undefined
      if (closed) return
      // Woken between the end of the run and this.
      if (again) start()
      else timer = setTimeout(start, everyMs).unref()
    })
  }

  start()
  return {
    wake() {
      again = true
      if (!running && !closed) start()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
