import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { EachBatchPayload } from 'kafkajs'
import { type ConsumerDependencies, type JoiningConsumer } from './group.ts'
import { partitionKey, recordsOf } from './records.ts'
import { supervise } from './supervise.ts'
import { type Admin, type TailOptions } from './types.ts'

export interface TailDependencies extends ConsumerDependencies {
  readonly clientId: string
  readonly admin: Pick<Admin, 'endOffsets' | 'deleteGroups'>
}

/**
 * kafkajs cannot be assigned partitions by hand, so a reader of everything is a group of one. That group commits
 * nothing: after a rejoin kafkajs would start at the topic's default offset. So the positions are kept here and sought
 * on every join.
 */
export function consumeTail(deps: TailDependencies, options: TailOptions): JoiningConsumer {
  const { log } = deps
  let groupId = ''
  const sessionTimeout = options.sessionTimeoutMs ?? 10_000
  const gatherMs = options.gatherMs ?? 2
  /** Until the next fetch may go out. All partitions of an answer wait for the same moment. */
  let gathering: Promise<void> | undefined
  /** Offset of the record to be delivered next, by topic and partition. */
  const next = new Map<string, number>()
  let positioned = false

  async function position(): Promise<void> {
    if (positioned) return
    for (const topic of options.topics) {
      const ends = await deps.admin.endOffsets(topic)
      ends.forEach((offset, partition) => {
        const place = partitionKey({ topic, partition })
        next.set(place, (options.from === 'end' ? undefined : options.from.get(place)) ?? offset)
      })
    }
    positioned = true
  }

  function guarded(call: () => void): void {
    try {
      call()
    } catch (error) {
      // To some errors (TypeError among them) kafkajs answers by stopping for good.
      log.error({ err: error, groupId }, 'a reader of records threw')
    }
  }

  function deliver(payload: EachBatchPayload): void {
    // Not in kafkajs' types: the offset that was asked for.
    const batch = payload.batch as typeof payload.batch & { readonly fetchedOffset: string }
    const key = partitionKey(batch)
    const expected = next.get(key) ?? 0
    const asked = Number(batch.fetchedOffset)
    const cut = Number(batch.highWatermark) < expected
    if (cut || asked > expected) {
      log.warn(
        { topic: batch.topic, partition: batch.partition, expected, asked },
        'records to be read are gone',
      )
      guarded(() => options.onJoin?.())
    }
    const records = recordsOf(batch)
    const unread = cut ? records : records.filter(({ offset }) => offset >= expected)
    const last = batch.messages.at(-1)
    if (last) payload.resolveOffset(last.offset)
    next.set(key, cut ? Number(batch.lastOffset()) + 1 : Math.max(expected, Number(batch.lastOffset()) + 1))
    if (unread.length > 0) {
      guarded(() => {
        options.onRecords(unread)
      })
    }
  }

  const gather = (): Promise<void> =>
    (gathering ??= delay(gatherMs).then(() => {
      gathering = undefined
    }))

  const consumer = supervise({
    ...deps,
    topics: options.topics,
    // For partitions that are added later; all others are sought.
    fromBeginning: true,
    // A new one for every session: in the old one the broker would wait for the member that was lost.
    groupId: () => (groupId = `${deps.clientId}-tail-${randomUUID()}`),
    config: {
      sessionTimeout,
      heartbeatInterval: Math.floor(sessionTimeout / 10),
      rebalanceTimeout: 10_000,
      maxWaitTimeInMs: 100,
    },
    prepare: position,
    eachBatch(payload) {
      deliver(payload)
      return gather()
    },
    onJoin(joined, assignment) {
      for (const [topic, partitions] of Object.entries(assignment)) {
        for (const partition of partitions) {
          const offset = next.get(partitionKey({ topic, partition }))
          if (offset !== undefined) joined.seek({ topic, partition, offset: String(offset) })
        }
      }
      guarded(() => options.onJoin?.())
    },
    onRebalancing: () => undefined,
    onLost: () => undefined,
  })

  let stopped: Promise<void> | undefined
  async function stop(): Promise<void> {
    await consumer.stop()
    await deps.admin.deleteGroups([groupId]).catch((error: unknown) => {
      // An empty group without offsets is forgotten by the broker anyway.
      log.debug({ err: error, groupId }, 'the group could not be deleted')
    })
  }

  return {
    joined: consumer.joined,
    get healthy() {
      return consumer.healthy
    },
    get lastFetchAt() {
      return consumer.lastFetchAt
    },
    stop: () => (stopped ??= stop()),
  }
}
