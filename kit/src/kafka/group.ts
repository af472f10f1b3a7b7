import type { EachBatchPayload, Offsets } from 'kafkajs'
import { type Backlog, takeChunk } from './chunks.ts'
import { type Client } from './client.ts'
import { expelPredecessors } from './predecessor.ts'
import { partitionKey, recordsOf } from './records.ts'
import { supervise } from './supervise.ts'
import { backoff, pause, within } from './timing.ts'
import { type ConsumedRecord, type Consumer, type GroupOptions, type KafkaLog } from './types.ts'

/** A consumer that may not have joined yet; `joined` rejects when it is stopped before. */
export type JoiningConsumer = Consumer & { readonly joined: Promise<void> }

export interface ConsumerDependencies {
  readonly openClient: (requestTimeoutMs: number) => Client
  readonly log: KafkaLog
}

/** One eachBatch call of kafkajs: it fetches nothing more from that broker until all of its calls have returned. */
interface Delivery extends Backlog {
  readonly payload: EachBatchPayload
  readonly lane: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Between two joins. What was delivered in one must not be committed in another: the partition may be elsewhere. */
interface Membership {
  readonly abort: AbortController
  /** Numbered. */
  readonly partitions: ReadonlyMap<string, number>
}

/**
 * kafkajs hands out one batch a partition, waits for all of them before it fetches again, and waits for them too
 * before it rejoins. Here they are held until their records are done: then a rebalance finds nothing half done, and
 * what was done can still be committed under the old generation.
 */
export function consumeGroup(deps: ConsumerDependencies, options: GroupOptions): JoiningConsumer {
  const { log } = deps
  const { groupId, instance } = options
  const sessionTimeout = options.sessionTimeoutMs ?? 10_000
  const heartbeatInterval = Math.floor(sessionTimeout / 10)
  const gatherMs = options.gatherMs ?? 0
  const lanes = options.chunksAtOnce ?? 1
  const limits = {
    maxRecords: options.maxChunkRecords ?? 1000,
    maxBytes: options.maxChunkBytes ?? 4 * 1024 * 1024,
  }

  let membership: Membership = { abort: new AbortController(), partitions: new Map() }
  let deliveries: Delivery[] = []
  /** Next offset to read, by topic and partition: done but not committed. */
  const uncommitted = new Map<string, { topic: string; partition: number; offset: string }>()
  /** The next offset to be read, where the reader has said where to begin. */
  const positions = new Map(
    Object.entries(options.startAt ?? {}).flatMap(([topic, offsets]) =>
      offsets.map((offset, partition) => [partitionKey({ topic, partition }), offset] as const),
    ),
  )
  let commitThrough: ((offsets: Offsets) => Promise<void>) | undefined
  let heartbeatFailure: unknown
  /** Until the next fetch may go out. All chunks of an answer wait for the same moment. */
  let gathering: Promise<void> | undefined
  /** By lane. Each has partitions of its own, and works on one chunk of them at a time. */
  const working = new Map<number, Promise<void>>()
  let stopping = false

  function eachBatch(payload: EachBatchPayload): Promise<void> {
    if (stopping) return Promise.resolve()
    commitThrough = (offsets) => payload.commitOffsetsIfNecessary(offsets)
    return new Promise((resolve, reject) => {
      const lane = (membership.partitions.get(partitionKey(payload.batch)) ?? 0) % lanes
      deliveries.push({ payload, records: recordsOf(payload.batch), taken: 0, lane, resolve, reject })
      if (!working.has(lane)) working.set(lane, work(lane))
    })
  }

  async function work(lane: number): Promise<void> {
    // All partitions of one answer are handed over in the same turn: wait for its end.
    await Promise.resolve()
    const heart = setInterval(() => void beat(), heartbeatInterval)
    try {
      while (!membership.abort.signal.aborted) {
        const during = membership
        const own = deliveries.filter((delivery) => delivery.lane === lane)
        if (own.length === 0) break
        const done = await attempt(takeChunk(own, limits), during)
        // After a rejoin the deliveries are others, and these records come again.
        if (during !== membership) continue
        if (!done) break
        finish(own)
      }
      // The others' chunks are not done yet: who ends last gives back what is left of all.
      if (working.size === 1 && deliveries.length > 0) await giveBack()
    } finally {
      clearInterval(heart)
      working.delete(lane)
    }
  }

  /** True when the handler has done the chunk, false when it gave up because the membership ends. */
  async function attempt(chunk: ConsumedRecord[], during: Membership): Promise<boolean> {
    const { signal } = during.abort
    const control = {
      signal,
      stillMine: (record: Pick<ConsumedRecord, 'topic' | 'partition'>) =>
        during === membership &&
        during.partitions.has(partitionKey(record)) &&
        Date.now() - consumer.lastHeartbeatAt < sessionTimeout,
    }
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await options.onChunk(chunk, control)
        return true
      } catch (error) {
        // Never let it reach kafkajs: to some errors (TypeError among them) it answers by stopping for good.
        const level = during.abort.signal.aborted ? 'debug' : 'error'
        log[level]({ err: error, groupId, records: chunk.length, failures }, 'a chunk was not done')
        await pause(backoff(failures, 100, 5000), signal)
      }
    }
    return false
  }

  /** Everything taken of these is done: note how far, and let those return that have nothing left. */
  function finish(own: readonly Delivery[]): void {
    for (const { records, taken, payload } of own) {
      const last = records[taken - 1]
      if (!last) continue
      const { topic, partition } = last
      payload.resolveOffset(String(last.offset))
      uncommitted.set(partitionKey(last), { topic, partition, offset: String(last.offset + 1) })
      if (positions.has(partitionKey(last))) positions.set(partitionKey(last), last.offset + 1)
    }
    const ended = own.filter(({ taken, records }) => taken === records.length)
    deliveries = deliveries.filter((delivery) => !ended.includes(delivery))
    void release(ended)
  }

  /** The next fetch goes out when all deliveries have returned. */
  async function release(ended: readonly Delivery[]): Promise<void> {
    // Where the broker had more than it answered, there is nothing to wait for.
    const isBehind = ended.some(({ payload }) => Number(payload.batch.offsetLag()) > 0)
    if (gatherMs > 0 && !isBehind)
      await (gathering ??= pause(gatherMs, membership.abort.signal).then(() => {
        gathering = undefined
      }))
    for (const { resolve } of ended) resolve()
  }

  /** The membership ends: commit what is done, the rest will come again to whoever gets the partition. */
  async function giveBack(): Promise<void> {
    await commit()
    const failure = heartbeatFailure
    const ended = deliveries
    deliveries = []
    heartbeatFailure = undefined
    // kafkajs rejoins only after some errors; after the others it just goes on.
    if (!stopping) membership = { abort: new AbortController(), partitions: membership.partitions }
    for (const { resolve, reject } of ended) {
      if (failure === undefined) resolve()
      else reject(failure)
    }
  }

  async function beat(): Promise<void> {
    const during = membership
    try {
      await deliveries[0]?.payload.heartbeat()
    } catch (error) {
      if (during !== membership) return
      heartbeatFailure ??= error
      during.abort.abort()
    }
  }

  async function commit(): Promise<void> {
    const committing = [...uncommitted]
    if (committing.length === 0 || !commitThrough) return
    const byTopic = new Map<string, { partition: number; offset: string }[]>()
    for (const [, { topic, partition, offset }] of committing) {
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), { partition, offset }])
    }
    const offsets: Offsets = { topics: Array.from(byTopic, ([topic, partitions]) => ({ topic, partitions })) }
    try {
      // Unlike consumer.commitOffsets() this one still commits when stopping has begun, and it does not retry.
      await within(commitThrough(offsets), 5000, 'committing offsets')
      for (const [key, entry] of committing) if (uncommitted.get(key) === entry) uncommitted.delete(key)
    } catch (error) {
      log.debug({ err: error, groupId }, 'offsets could not be committed')
    }
  }

  function endMembership(partitions: Membership['partitions']): void {
    const ended = deliveries
    membership.abort.abort()
    membership = { abort: new AbortController(), partitions }
    if (stopping) membership.abort.abort()
    heartbeatFailure = undefined
    uncommitted.clear()
    deliveries = []
    for (const { resolve } of ended) resolve()
  }

  const commitTimer = setInterval(() => void commit(), options.commitIntervalMs ?? 250)
  const consumer = supervise({
    ...deps,
    topics: options.topics,
    fromBeginning: options.fromBeginning,
    groupId: () => groupId,
    config: {
      sessionTimeout,
      heartbeatInterval,
      rebalanceTimeout: options.rebalanceTimeoutMs ?? 60_000,
      // The broker answers as soon as there is anything: this is how often an idle group asks again.
      maxWaitTimeInMs: 500,
    },
    ...(instance !== undefined && {
      prepare: (client) => expelPredecessors(client, { groupId, clientId: instance }, log),
    }),
    eachBatch,
    onJoin(joined, assignment) {
      const partitions = Object.entries(assignment).flatMap(([topic, numbers]) =>
        numbers.map((partition) => ({ topic, partition })),
      )
      endMembership(new Map(partitions.map((each, nth) => [partitionKey(each), nth])))
      for (const { topic, partition } of partitions) {
        const offset = positions.get(partitionKey({ topic, partition }))
        if (offset !== undefined) joined.seek({ topic, partition, offset: String(offset) })
      }
    },
    // The commit is on its way before the request to join, so the old generation still takes it.
    onRebalancing: () => void commit(),
    onLost() {
      commitThrough = undefined
      endMembership(new Map())
    },
  })

  let stopped: Promise<void> | undefined
  async function stop(): Promise<void> {
    stopping = true
    membership.abort.abort()
    await Promise.all(working.values())
    clearInterval(commitTimer)
    await commit()
    await consumer.stop()
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
