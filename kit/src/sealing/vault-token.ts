import { type Logger } from '../log/index.ts'
import { z } from 'zod'
import { type AskVault } from './vault-api.ts'

const looked = z.object({ data: z.object({ ttl: z.number(), renewable: z.boolean() }) })
const renewed = z.object({ auth: z.object({ lease_duration: z.number() }) })

const retryMs = 10_000

/**
 * Renews the token at half of its time to live, for as long as the process lives; a token without one is left alone.
 * Failures are logged and tried again: until the token runs out everything still works.
 *
 * @returns how to stop
 */
export const keepTokenAlive = (ask: AskVault, log: Logger): (() => void) => {
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const after = (ms: number, work: () => Promise<void>): void => {
    if (stopped) return
    timer = setTimeout(() => {
      void work()
    }, ms)
    timer.unref()
  }
  const halfOf = (seconds: number): number => Math.max(seconds * 500, 1_000)

  const renew = async (): Promise<void> => {
    try {
      const { body } = await ask('auth/token/renew-self', {})
      after(halfOf(renewed.parse(body).auth.lease_duration), renew)
    } catch (error) {
      log.error({ err: error }, 'the Vault token was not renewed')
      after(retryMs, renew)
    }
  }

  const look = async (): Promise<void> => {
    try {
      const { body } = await ask('auth/token/lookup-self')
      const { ttl, renewable } = looked.parse(body).data
      if (ttl === 0) return
      if (renewable) after(halfOf(ttl), renew)
      else log.warn({ seconds: ttl }, 'the Vault token runs out and cannot be renewed')
    } catch (error) {
      log.warn({ err: error }, 'Vault did not tell how long the token is good for')
      after(retryMs, look)
    }
  }

  void look()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
