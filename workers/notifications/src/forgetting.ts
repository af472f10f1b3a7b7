import { type Notices } from '@veza/chat/store'
import { type Logger } from '@veza/kit/log'

const pauseMs = 60 * 60_000
const atOnce = 5_000

/** Deletes what users were told too long ago, now and every hour. Returns how to stop, which waits for what is under way. */
export const forgetting = (deps: {
  notices: Pick<Notices, 'prune'>
  keptMs: number
  log: Logger
}): (() => Promise<void>) => {
  let stopped = false
  const forget = async (): Promise<void> => {
    try {
      const before = new Date(Date.now() - deps.keptMs)
      while (!stopped && (await deps.notices.prune(before, atOnce)) === atOnce);
    } catch (error) {
      deps.log.warn({ err: error }, 'could not forget what users were told long ago; trying again later')
    }
  }
  let running = forget()
  const timer = setInterval(() => {
    running = running.then(forget)
  }, pauseMs).unref()
  return async () => {
    stopped = true
    clearInterval(timer)
    await running
  }
}
