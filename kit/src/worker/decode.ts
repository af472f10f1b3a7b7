import { type Codec, PoisonRecord, type RecordOf, type Topic } from '@veza/contracts'
import { type ConsumedRecord, headerOf } from '../kafka/index.ts'
import { type Message } from './types.ts'

/** A record that no later attempt will make readable. */
export interface Poison {
  readonly record: ConsumedRecord
  readonly error: PoisonRecord
}

export interface Decoded<T extends Topic> {
  readonly messages: Message<T>[]
  readonly poison: Poison[]
}

/**
 * Reads a chunk, in order. Asks the registry for the schemas that it does not know yet.
 *
 * Rejects when the registry gives no answer: nothing of the chunk is handled then, try again later.
 */
export async function decodeChunk<T extends Topic>(
  codec: Codec,
  topics: ReadonlyMap<string, T>,
  records: readonly ConsumedRecord[],
): Promise<Decoded<T>> {
  const refused = new Map<number, PoisonRecord>()
  for (;;) {
    const messages: Message<T>[] = []
    const poison: Poison[] = []
    const unknown = new Map<number, T>()
    for (const record of records) {
      try {
        const topic = topicOf(topics, record)
        const decoded = decode(codec, topic, record)
        if (!('unknownSchemaId' in decoded)) messages.push(toMessage(decoded, record))
        else {
          const refusal = refused.get(decoded.unknownSchemaId)
          if (refusal) poison.push({ record, error: refusal })
          else unknown.set(decoded.unknownSchemaId, topic)
        }
      } catch (error) {
        if (!(error instanceof PoisonRecord)) throw error
        poison.push({ record, error })
      }
    }
    if (unknown.size === 0) return { messages, poison }
    for (const [id, topic] of unknown) {
      try {
        await codec.learn(topic, id)
      } catch (error) {
        if (!(error instanceof PoisonRecord)) throw error
        refused.set(id, error)
      }
    }
  }
}

function topicOf<T extends Topic>(topics: ReadonlyMap<string, T>, record: ConsumedRecord): T {
  const topic = topics.get(record.topic)
  if (!topic) throw new Error(`a record of ${record.topic}, which the worker does not read`)
  return topic
}

function decode<T extends Topic>(codec: Codec, topic: T, record: ConsumedRecord) {
  if (record.value === null)
    throw new PoisonRecord('malformed', `a tombstone, which ${topic.name} does not carry`)
  return codec.decode(topic, record.value)
}

/** A message whose id is read when somebody asks: a chunk's handler often has a key of its own for its effect. */
class DecodedMessage {
  readonly type: unknown
  readonly value: unknown
  readonly record: ConsumedRecord
  readonly traceparent: string | undefined

  constructor(decoded: { type: unknown; value: unknown }, record: ConsumedRecord, traceparent?: string) {
    this.type = decoded.type
    this.value = decoded.value
    this.record = record
    this.traceparent = traceparent
  }

  get id(): string {
    const { topic, partition, offset } = this.record
    return headerOf(this.record, 'ce_id') ?? `${topic}/${partition}/${offset}`
  }
}

const toMessage = <T extends Topic>(decoded: RecordOf<T>, record: ConsumedRecord): Message<T> =>
  new DecodedMessage(decoded, record, headerOf(record, 'traceparent')) as Message<T>

/** The same message in another span. */
export const withTraceparent = <T extends Topic>(message: Message<T>, traceparent: string): Message<T> =>
  new DecodedMessage(message, message.record, traceparent) as Message<T>
