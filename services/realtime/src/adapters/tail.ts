import { type Tracer, SpanKind } from '@opentelemetry/api'
import {
  type ChatEvent,
  type Codec,
  type Topic,
  type UserPublication,
  PoisonRecord,
  channels,
  eventTime,
  roomPublication,
  topics,
} from '@veza/contracts'
import { type ConsumedRecord, headerOf } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { contextOf } from '@veza/kit/telemetry'
import { setTimeout as delay } from 'node:timers/promises'
import { type Reply } from '../protocol/replies.ts'
import { type Room } from '../rooms/room.ts'
import { type Rooms } from '../rooms/rooms.ts'

export interface TailOptions {
  readonly codec: Codec
  readonly rooms: Rooms
  /** The rooms may lack an event: chat is to be asked. */
  readonly onDoubt: (room: Room) => void
  /** Whether a user has a connection here. */
  readonly hasUser: (userId: string) => boolean
  readonly publish: (channel: string, pushes: readonly Reply[]) => void
  readonly tracer: Tracer
  readonly log: Logger
  readonly topicNames: { readonly events: string; readonly notifications: string }
  /** Seconds from the oldest event of a batch being posted to its handing over to the sockets. */
  readonly observeDelay: (seconds: number) => void
  readonly now: () => number
}

const sampled = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{1}[13579bdf]$/
const learnRetryMs = 1000
const maxHeldNotifications = 10_000

/** Hands what Kafka brings to the rooms and the users of this edge. Call it with each batch, synchronously. */
export const createTail = (options: TailOptions): ((records: readonly ConsumedRecord[]) => void) => {
  const { codec, rooms, onDoubt, hasUser, publish, tracer, log, topicNames, observeDelay, now } = options
  const learning = new Set<number>()
  // Notifications that wait for the registry, by schema id. Events don't wait: chat has them too.
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
    if (learned) for (const record of waiting) notify(record)
    else if (waiting.length > 0)
      log.error({ schemaId, records: waiting.length }, 'dropped notifications of no schema')
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

  const hold = (record: ConsumedRecord, schemaId: number): void => {
    const waiting = held.get(schemaId) ?? []
    if (waiting.length < maxHeldNotifications) waiting.push(record)
    else log.error({ schemaId }, 'dropped a notification: too many wait for the registry')
    held.set(schemaId, waiting)
    void learn(topics.notifications, schemaId)
  }

  const notify = (record: ConsumedRecord): void => {
    if (record.key === null || record.value === null || !hasUser(record.key)) return
    try {
      const decoded = codec.decode(topics.notifications, record.value)
      if ('unknownSchemaId' in decoded) {
        hold(record, decoded.unknownSchemaId)
        return
      }
      const { userId, roomId, clientMessageId, code } = decoded.value
      const publication: UserPublication = { type: 'rejected', roomId, clientMessageId, code }
      const channel = channels.user(userId)
      publish(channel, [
        { type: 'published', channel, publication: { offset: 0, data: JSON.stringify(publication) } },
      ])
      trace(record)
    } catch (error) {
      poison(record, error)
    }
  }

  return (records) => {
    let oldest = Infinity
    for (const record of records) {
      if (record.topic === topicNames.events) {
        const postedAt = deliver(record)
        if (postedAt !== undefined && postedAt < oldest) oldest = postedAt
      } else if (record.topic === topicNames.notifications) notify(record)
    }
    rooms.flush()
    if (oldest !== Infinity) observeDelay(Math.max(0, now() - oldest) / 1000)
  }
}
