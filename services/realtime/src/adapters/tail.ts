import { type Tracer, SpanKind } from '@opentelemetry/api'
import {
  type ChatEvent,
  type Codec,
  type Topic,
  PoisonRecord,
  eventTime,
  roomPublication,
  topics,
} from '@veza/contracts'
import { type ConsumedRecord, headerOf } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { contextOf } from '@veza/kit/telemetry'
import { setTimeout as delay } from 'node:timers/promises'
import { type Room } from '../rooms/room.ts'
import { type Rooms } from '../rooms/rooms.ts'
import { type Reader } from './reader.ts'

export interface TailOptions {
  readonly codec: Codec
  readonly rooms: Rooms
  /** The rooms may lack an event: chat is to be asked. */
  readonly onDoubt: (room: Room) => void
  /** How what is not of chat.events is read, by the topic's name. */
  readonly readers: ReadonlyMap<string, Reader>
  readonly tracer: Tracer
  readonly log: Logger
  /** The name of the topic of rooms' events. */
  readonly eventsTopic: string
  /** Seconds from the oldest event of a batch being posted to its handing over to the sockets. */
  readonly observeDelay: (seconds: number) => void
  readonly now: () => number
}

const sampled = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{1}[13579bdf]$/
const learnRetryMs = 1000
const maxHeld = 10_000

/** Hands what Kafka brings to the rooms and the users of this edge. Call it with each batch, synchronously. */
export const createTail = (options: TailOptions): ((records: readonly ConsumedRecord[]) => void) => {
  const { codec, rooms, onDoubt, readers, tracer, log, eventsTopic, observeDelay, now } = options
  const learning = new Set<number>()
  // What waits for the registry, by schema id. Events don't wait: chat has them too.
  const held = new Map<number, ConsumedRecord[]>()

  const poison = (record: ConsumedRecord, error: unknown): void => {
    if (!(error instanceof PoisonRecord)) throw error
    const { topic, partition, offset } = record
    log.error({ err: error, topic, partition, offset }, 'skipped a record that can not be read')
  }

  const isLearned = async (topic: Topic, schemaId: number): Promise<boolean> => {
    for (;;) {
      try {
        await codec.learn(topic, schemaId)
        return true
      } catch (error) {
        log.warn({ err: error, schemaId }, 'could not learn a schema')
        if (error instanceof PoisonRecord) return false
        await delay(learnRetryMs, undefined, { ref: false })
      }
    }
  }

  const learn = async (topic: Topic, schemaId: number): Promise<void> => {
    if (learning.has(schemaId)) return
    learning.add(schemaId)
    const learned = await isLearned(topic, schemaId)
    learning.delete(schemaId)
    const waiting = held.get(schemaId) ?? []
    held.delete(schemaId)
    if (learned) for (const record of waiting) read(record)
    else if (waiting.length > 0)
      log.error({ schemaId, records: waiting.length }, 'dropped records of no schema')
  }

  const trace = (record: ConsumedRecord): void => {
    const parent = headerOf(record, 'traceparent')
    if (parent === undefined || !sampled.test(parent)) return
    const attributes = { 'messaging.system': 'kafka', 'messaging.destination.name': record.topic }
    tracer.startSpan('deliver', { kind: SpanKind.CONSUMER, attributes }, contextOf(parent)).end()
  }

  /** @returns when the event was posted, epoch milliseconds, if it was for this edge */
  const deliver = (record: ConsumedRecord): number | undefined => {
    if (record.key === null || record.value === null) return undefined
    const room = rooms.get(record.key)
    if (room === undefined) return undefined
    let event: ChatEvent
    try {
      const decoded = codec.decode(topics.chatEvents, record.value)
      if ('unknownSchemaId' in decoded) {
        // Events are stored before they are produced: chat has what this record says.
        onDoubt(room)
        void learn(topics.chatEvents, decoded.unknownSchemaId)
        return undefined
      }
      event = decoded
    } catch (error) {
      poison(record, error)
      onDoubt(room)
      return undefined
    }
    const { epoch, offset } = event.value
    rooms.offer(room, epoch, offset, () => JSON.stringify(roomPublication(event)))
    trace(record)
    return eventTime(event)
  }

  const hold = (record: ConsumedRecord, topic: Topic, schemaId: number): void => {
    const waiting = held.get(schemaId) ?? []
    if (waiting.length < maxHeld) waiting.push(record)
    else log.error({ schemaId }, 'dropped a record: too many wait for the registry')
    held.set(schemaId, waiting)
    void learn(topic, schemaId)
  }

  const read = (record: ConsumedRecord): void => {
    const reader = readers.get(record.topic)
    if (reader === undefined || record.key === null || record.value === null || !reader.wants(record.key))
      return
    try {
      const unknownSchemaId = reader.read(record.value)
      if (unknownSchemaId === undefined) trace(record)
      else hold(record, reader.topic, unknownSchemaId)
    } catch (error) {
      poison(record, error)
    }
  }

  return (records) => {
    let oldest = Infinity
    for (const record of records) {
      if (record.topic === eventsTopic) {
        const postedAt = deliver(record)
        if (postedAt !== undefined && postedAt < oldest) oldest = postedAt
      } else read(record)
    }
    rooms.flush()
    if (oldest !== Infinity) observeDelay(Math.max(0, now() - oldest) / 1000)
  }
}
