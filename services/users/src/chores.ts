import { type Logger } from '@veza/kit/log'

/**
 * Does something every minute, from now on. What fails is logged, and tried again a minute later. Every process of a
 * service does so: the work has to be such that doing it twice is doing it once.
 *
 * @returns stops, when what is under way is done
 */
export const everyMinute = (log: Logger, chores: () => Promise<void>): (() => Promise<void>) => {
  let underWay = Promise.resolve()
  const timer = setInterval(() => {
    underWay = underWay.then(chores).catch((error: unknown) => {
      log.warn({ err: error }, 'chores were not done')
    })
  }, 60_000)
  timer.unref()
  return () => {
    clearInterval(timer)
    return underWay
  }
}
