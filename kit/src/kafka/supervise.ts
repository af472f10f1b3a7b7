import type { Consumer as KafkaJsConsumer, ConsumerConfig, EachBatchPayload } from 'kafkajs'
import { messageOf } from '../log/index.ts'
import { type Client } from './client.ts'
import { backoff, pause, within } from './timing.ts'
import { type KafkaLog } from './types.ts'

export interface Supervision {
  readonly openClient: (requestTimeoutMs: number) => Client
  readonly log: KafkaLog
  /** Asked for every session. */
  readonly groupId: () => string
  readonly config: Omit<ConsumerConfig, 'groupId'> & {
    readonly sessionTimeout: number
    readonly rebalanceTimeout: number
  }
  readonly topics: readonly string[]
  readonly fromBeginning: boolean
  /** Before a session joins. Called again for every session, a rejection ends it and the next one tries again. */
  readonly prepare?: (client: Client) => Promise<void>
  readonly eachBatch: (payload: EachBatchPayload) => Promise<void>
  /** Synchronous: nothing is fetched before it returns. The assignment is by topic. */
  readonly onJoin: (consumer: KafkaJsConsumer, assignment: Readonly<Record<string, number[]>>) => void
  /** The group wants everybody to join again. Synchronous: what is sent in it still belongs to the old generation. */
  readonly onRebalancing: () => void
  /** The session is over, by a crash or by stop(). */
  readonly onLost: () => void
}

export interface Supervised {
  /** Resolves with the first join, rejects when stop() comes before it. */
  readonly joined: Promise<void>
  readonly healthy: boolean
  readonly lastFetchAt: number
  readonly lastHeartbeatAt: number
  stop(): Promise<void>
}

const requestTimeoutMs = 10_000

/**
 * Keeps one kafkajs consumer running, for ever. kafkajs restarts itself after some crashes and stays down after
 * others (a TypeError, an unknown group coordinator, too many retries); and it can wait for ever for the answer of a
 * broker that hangs. So it never restarts by itself: every crash, and every silence that is too long, ends the
 * session, and the next one starts from nothing.
 */
export function supervise(options: Supervision): Supervised {
  const { log, config } = options
  const stopping = new AbortController()
  let groupId = ''
  let consumer: KafkaJsConsumer | undefined
  /** Settles when kafkajs has joined and would notice that it is told to stop: before, it would not leave the group. */
  let starting: Promise<void> | undefined
  let end: ((why: unknown) => void) | undefined
  let joinedNow = false
  let lastFetchAt = 0
  let lastSeenAt = 0
  let lastHeartbeatAt = 0
  let onJoined!: () => void
  let onNeverJoined!: (error: Error) => void
  const joined = new Promise<void>((resolve, reject) => {
    onJoined = resolve
    onNeverJoined = reject
  })
  joined.catch(() => undefined)
  // A join may take as long as the other members' chunks do.
  const silenceMs = config.rebalanceTimeout + 2 * requestTimeoutMs

  function listen(to: KafkaJsConsumer): void {
    to.on('consumer.group_join', ({ payload }) => {
      lastHeartbeatAt = lastSeenAt = Date.now()
      joinedNow = true
      options.onJoin(to, payload.memberAssignment)
    })
    to.on('consumer.rebalancing', () => {
      joinedNow = false
      options.onRebalancing()
    })
    to.on('consumer.heartbeat', () => {
      lastHeartbeatAt = lastSeenAt = Date.now()
    })
    to.on('consumer.fetch', () => {
      lastFetchAt = lastSeenAt = Date.now()
    })
    to.on('consumer.crash', ({ payload }) => end?.(payload.error))
  }

  /** Resolves with the reason for which the session ended. */
  async function session(): Promise<unknown> {
    const client = options.openClient(requestTimeoutMs)
    groupId = options.groupId()
    const ended = new Promise<unknown>((resolve) => {
      end = resolve
    })
    const watch = setInterval(() => {
      if (Date.now() - lastSeenAt > silenceMs) end?.(new Error(`nothing from the broker for ${silenceMs} ms`))
    }, 1000)
    try {
      lastSeenAt = Date.now()
      const partitions = await partitionCount(client, options.topics)
      await options.prepare?.(client)
      consumer = client.kafka.consumer({
        ...config,
        groupId,
        minBytes: 1,
        allowAutoTopicCreation: false,
        // Some seconds: a session that goes on keeps its membership, the next one would have to wait for its end.
        retry: { retries: 10, restartOnFailure: () => Promise.resolve(false) },
      })
      listen(consumer)
      await Promise.race([consumer.connect(), ended])
      await consumer.subscribe({ topics: [...options.topics], fromBeginning: options.fromBeginning })
      if (stopping.signal.aborted) return undefined
      starting = consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: partitions,
        eachBatch: options.eachBatch,
      })
      await Promise.race([starting, ended])
      if (joinedNow) onJoined()
      return await ended
    } catch (error) {
      return error
    } finally {
      clearInterval(watch)
      joinedNow = false
      end = starting = consumer = undefined
      options.onLost()
      client.destroy()
    }
  }

  async function keepRunning(): Promise<void> {
    let failures = 0
    for (;;) {
      const startedAt = Date.now()
      const why = await session()
      if (stopping.signal.aborted) return
      failures = Date.now() - startedAt > 30_000 ? 0 : failures + 1
      const delayMs = backoff(failures, 100, 2000)
      // The coordinator of a new group, or of a broker that has just started, is not there at once.
      const level = failures < 3 ? 'debug' : 'warn'
      log[level]({ err: why, groupId, delayMs }, `the consumer starts again: ${messageOf(why)}`)
      await pause(delayMs, stopping.signal)
    }
  }

  async function leave(): Promise<void> {
    await starting
    await consumer?.disconnect()
  }

  const running = keepRunning()
  let stopped: Promise<void> | undefined

  return {
    joined,
    get healthy() {
      return joinedNow
    },
    get lastFetchAt() {
      return lastFetchAt
    },
    get lastHeartbeatAt() {
      return lastHeartbeatAt
    },
    stop() {
      stopped ??= (async () => {
        stopping.abort()
        onNeverJoined(new Error('the consumer was stopped before it joined'))
        await within(leave(), 5000, 'leaving the group').catch((error: unknown) => {
          log.debug({ err: error, groupId }, 'the consumer left without a goodbye')
        })
        end?.(undefined)
        await running
      })()
      return stopped
    },
  }
}

/** kafkajs wants to be told how many batches may be worked on at once. Rejects when a topic does not exist. */
async function partitionCount(client: Client, topics: readonly string[]): Promise<number> {
  const admin = client.kafka.admin()
  try {
    await admin.connect()
    const metadata = await admin.fetchTopicMetadata({ topics: [...topics] })
    return metadata.topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
  } finally {
    await within(admin.disconnect(), 1000, 'disconnecting').catch(() => undefined)
  }
}
