import { type Meter } from '@opentelemetry/api'
import { createHash } from 'node:crypto'
import { type Logger, messageOf } from '../log/index.ts'
import { type Client, connectClient } from './clients.ts'
import { type RedisSettings } from './settings.ts'

/** Redis did not answer, or is taken not to: what was asked may have been done, or not. */
export class RedisGone extends Error {
  override readonly name = 'RedisGone'
}

/** What runs in Redis as one step: all its keys are in one slot. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

export const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })

/**
 * A Redis that can be done without. Whatever is asked of it is answered within a tenth of a second, if only by RedisGone;
 * after three times in a row it is not asked at all until it answers again.
 */
export interface Redis {
  /** False while nothing is asked of it. */
  readonly available: boolean
  /** One step in Redis. Rejects RedisGone, and whatever error Redis answers with. @param keys at least one */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  /** undefined, or since when and why it is done without. */
  check(): string | undefined
  close(): void
}

export interface RedisOptions {
  readonly log: Logger
  readonly meter?: Meter
  /** How long an answer is waited for. Default 100 ms. */
  readonly timeoutMs?: number
}

const failuresToOpen = 3
const firstProbeMs = 50
const longestProbeMs = 1_000
/** A cluster's client that sees no node that it knows has to begin with those that it was told of. */
const renewAfterMs = 3_000

/** An answer that says no, rather than a connection that fails. NOSCRIPT and its like are such. */
const isAnswer = (error: unknown): boolean =>
  error instanceof Error &&
  /^(ERR|NOSCRIPT|WRONGTYPE|OOM|MISCONF|READONLY|NOPERM|NOAUTH|WRONGPASS)\b/.test(error.message)

const ping = script('return 1')

/** Connects in the background; what is asked before it is connected is answered by RedisGone. undefined: none is named. */
export const openRedis = (
  { REDIS_URL: [url, ...more], REDIS_CLUSTER: isCluster }: RedisSettings,
  { log, meter, timeoutMs = 100 }: RedisOptions,
): Redis | undefined => {
  if (url === undefined) {
    log.info('no REDIS_URL is given: this process caches and limits for itself')
    return undefined
  }
  let lastError = 'not connected yet'
  const onError = (error: unknown): void => {
    lastError = messageOf(error)
  }
  const connect = (): Client => connectClient([url, ...more], isCluster, onError)
  let client = connect()
  let renewedAt = performance.now()
  let failures = 0
  // Until it has answered once it counts as gone, or the first requests of a process would wait for it.
  let goneSince: number | undefined = performance.now()
  let probe: NodeJS.Timeout | undefined
  let closed = false

  const isGone = (): boolean => goneSince !== undefined

  const timeouts = meter?.createCounter('redis_failures_total', {
    description: 'Questions that Redis did not answer in time',
  })
  const gauge = meter?.createObservableGauge('redis_available', {
    description: '1 while Redis is asked, 0 while it is done without',
  })
  const observe = (result: { observe: (value: number) => void }): void => {
    result.observe(isGone() ? 0 : 1)
  }
  gauge?.addCallback(observe)

  const within = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new RedisGone(`Redis did not answer within ${timeoutMs} ms`))
      }, timeoutMs)
      work.then(resolve, reject).finally(() => {
        clearTimeout(timer)
      })
    })

  const send = async ({ lua, sha }: Script, keys: readonly string[], args: readonly string[]) => {
    const key = keys[0] ?? ''
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await client.send(key, ['EVALSHA', sha, ...rest])
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error
      return client.send(key, ['EVAL', lua, ...rest])
    }
  }

  const ask = async (asked: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> => {
    try {
      const answer = await within(send(asked, keys, args))
      failures = 0
      return answer
    } catch (error) {
      if (isAnswer(error)) throw error
      failures++
      timeouts?.add(1)
      lastError = messageOf(error)
      throw error instanceof RedisGone ? error : new RedisGone(lastError, { cause: error })
    }
  }

  const probeAfter = (pauseMs: number): void => {
    if (closed) return
    probe = setTimeout(() => {
      ask(ping, ['veza:ping'], []).then(
        () => {
          const seconds = (performance.now() - (goneSince ?? 0)) / 1_000
          goneSince = undefined
          log.info({ seconds: Math.round(seconds * 10) / 10 }, 'Redis answers')
        },
        () => {
          if (isCluster && performance.now() - renewedAt > renewAfterMs) {
            client.destroy()
            client = connect()
            renewedAt = performance.now()
          }
          probeAfter(Math.min(longestProbeMs, pauseMs * 2))
        },
      )
    }, pauseMs)
    probe.unref()
  }
  probeAfter(0)

  return {
    get available() {
      return !isGone()
    },
    async run(asked, keys, args) {
      if (isGone()) throw new RedisGone(lastError)
      try {
        return await ask(asked, keys, args.map(String))
      } catch (error) {
        if (failures >= failuresToOpen && !isGone()) {
          goneSince = performance.now()
          log.warn({ reason: lastError }, 'Redis does not answer: this process goes on without it')
          probeAfter(firstProbeMs)
        }
        throw error
      }
    },
    check: () =>
      goneSince === undefined
        ? undefined
        : `no answer for ${Math.round((performance.now() - goneSince) / 1_000)} s: ${lastError}`,
    close() {
      closed = true
      clearTimeout(probe)
      gauge?.removeCallback(observe)
      client.destroy()
    },
  }
}
