import { setTimeout as delay } from 'node:timers/promises'
import { type Counter, type Histogram } from '@opentelemetry/api'
import type { Producer as KafkaJsProducer } from 'kafkajs'
import { messageOf } from '../log/index.ts'
import { type Client } from './client.ts'
import { ProduceFailed, QueueFull } from './errors.ts'
import { type Batch, createBatches, type Part } from './batches.ts'
import { classify } from './produce-errors.ts'
import { backoff, pause, within } from './timing.ts'
import { type KafkaLog, type OutgoingRecord, type Producer, type ProducerSettings } from './types.ts'

export interface ProducerDependencies {
  readonly openClient: (requestTimeoutMs: number) => Client
  readonly log: KafkaLog
  readonly metrics: { readonly sent: Counter; readonly duration: Histogram } | undefined
}

interface Connection {
  readonly client: Client
  readonly producer: KafkaJsProducer
}

export function createProducer(deps: ProducerDependencies, settings: ProducerSettings = {}): Producer {
  const deliveryTimeoutMs = settings.deliveryTimeoutMs ?? 120_000
  const requestTimeoutMs = settings.requestTimeoutMs ?? 10_000
  const lingerMs = settings.lingerMs ?? 2
  const batches = createBatches({
    maxQueuedRecords: settings.maxQueuedRecords ?? 100_000,
    maxQueuedBytes: settings.maxQueuedBytes ?? 64 * 1024 * 1024,
    maxBatchRecords: settings.maxBatchRecords ?? 1000,
    maxBatchBytes: settings.maxBatchBytes ?? 900_000,
  })
  let connection: Connection | undefined
  let healthy = true
  let pumping: Promise<void> | undefined
  let closed: Promise<void> | undefined

  async function connect(): Promise<Connection> {
    const client = deps.openClient(requestTimeoutMs)
    try {
      const producer = client.kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        // kafkajs' own retry acknowledges records that it never sent: a partition whose leader moves to a broker that
        // has answered already is left out (producer/sendMessages.js, brokersWithoutResponse). It refuses 0 for an
        // idempotent producer; no count of retries is ever below NaN.
        retry: { retries: Number.NaN },
      })
      await within(producer.connect(), 3 * requestTimeoutMs, 'connecting the producer')
      return { client, producer }
    } catch (error) {
      client.destroy()
      throw error
    }
  }

  function discard(): void {
    connection?.client.destroy()
    connection = undefined
  }

  async function request(batch: Batch, parts: readonly Part[]): Promise<void> {
    connection ??= await connect()
    const started = performance.now()
    // kafkajs hands them through to kafkajs.ts' own encoder as they are.
    const topicMessages = parts.map(({ topic, messages }) => ({ topic, messages }))
    await within(
      connection.producer.sendBatch({ acks: -1, timeout: requestTimeoutMs, topicMessages }),
      3 * requestTimeoutMs,
      'a produce request',
    )
    deps.metrics?.duration.record((performance.now() - started) / 1000, {
      'messaging.operation.name': 'send',
    })
    for (const { topic, messages } of parts) {
      deps.metrics?.sent.add(messages.length, { 'messaging.destination.name': topic })
    }
    if (!healthy) deps.log.info({ records: batch.records }, 'the producer works again')
    healthy = true
  }

  /** Sends until it is acknowledged, the record itself is refused, or the time is up. */
  async function deliver(batch: Batch, parts: readonly Part[]): Promise<void> {
    const deadline = Date.now() + deliveryTimeoutMs
    let repeated = false
    for (let attempt = 0; ; attempt++) {
      try {
        await request(batch, parts)
        return
      } catch (error) {
        const failure = classify(error)
        if (failure.kind === 'record') {
          discard()
          throw new ProduceFailed(failure.code, messageOf(error), { cause: error })
        }
        healthy = false
        deps.log.warn(
          { err: error, attempt, records: batch.records },
          'a batch was not acknowledged, sending it again',
        )
        if (Date.now() >= deadline) {
          discard()
          throw new ProduceFailed('timed-out', `not acknowledged within ${deliveryTimeoutMs} ms`, {
            cause: error,
          })
        }
        // The very same batch under the same producer id and sequence numbers: if only the answer was lost, the broker
        // knows it and writes nothing. Any further attempt is a new producer's, since after one more failure nobody
        // knows which sequence numbers the broker has seen.
        if (failure.kind === 'connection' && !repeated) repeated = true
        else discard()
        await pause(Math.min(backoff(attempt, 50, 2000), Math.max(0, deadline - Date.now())))
      }
    }
  }

  /** One topic's refusal must not take the other topics' records with it, nor one large record its neighbours. */
  async function settle(batch: Batch, parts: readonly Part[]): Promise<void> {
    try {
      await deliver(batch, parts)
      for (const part of parts) conclude(part, undefined)
    } catch (error) {
      if (parts.length > 1 && error instanceof ProduceFailed && error.code !== 'timed-out') {
        for (const part of parts) await settle(batch, [part])
        return
      }
      const [part] = parts
      if (part && part.messages.length > 1 && error instanceof ProduceFailed && error.code === 'too-large') {
        await settleSingly(batch, part)
        return
      }
      for (const part of parts) conclude(part, error)
    }
  }

  function conclude(part: Part, error: unknown): void {
    batches.release(part)
    if (error === undefined) part.resolve()
    else part.reject(error)
  }

  async function settleSingly(batch: Batch, part: Part): Promise<void> {
    let refusal: unknown
    for (const message of part.messages) {
      try {
        await deliver(batch, [{ ...part, messages: [message] }])
      } catch (error) {
        refusal ??= error
      }
    }
    conclude(part, refusal)
  }

  const gather = (): Promise<unknown> => (closed || lingerMs === 0 ? Promise.resolve() : delay(lingerMs))

  async function pump(): Promise<void> {
    await gather()
    for (let batch = batches.take(); batch; batch = batches.take()) {
      await settle(batch, batch.parts)
      await gather()
    }
    pumping = undefined
  }

  function enqueue(records: readonly OutgoingRecord[]): Promise<void> {
    if (closed) return Promise.reject(new ProduceFailed('closed', 'the producer is closed'))
    const promise = batches.add(records)
    if (promise === 'full') return Promise.reject(new QueueFull())
    pumping ??= pump()
    return promise
  }

  return {
    send: (record) => enqueue([record]),
    sendAll: enqueue,
    get healthy() {
      return healthy
    },
    close() {
      closed ??= (async () => {
        await pumping
        const last = connection
        connection = undefined
        if (!last) return
        await within(last.producer.disconnect(), 2000, 'disconnecting').catch((error: unknown) => {
          deps.log.debug({ err: error }, 'the producer left without a goodbye')
        })
        last.client.destroy()
      })()
      return closed
    },
  }
}
