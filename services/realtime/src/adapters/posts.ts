import { SpanKind } from '@opentelemetry/api'
import { type ChatCommand, type Codec, commandRecord, toHeaders, topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { type Telemetry, traceparent } from '@veza/kit/telemetry'
import { randomUUID } from 'node:crypto'

/** What a member asks of a room, checked. */
export interface Post {
  readonly roomId: string
  readonly senderId: string
  readonly command: ChatCommand
}

export interface PostsOptions {
  readonly producer: Producer
  readonly codec: Codec
  readonly startTrace: Telemetry['startTrace']
  /** The topic's name. */
  readonly topic: string
  readonly now: () => number
}

/**
 * Puts commands on their way. Resolves when the brokers have the command, from when on it is never lost. Rejects
 * ProduceFailed, or QueueFull at once.
 */
export const createPosts = ({ producer, codec, startTrace, topic, now }: PostsOptions) => {
  const name = `publish ${topic}`
  const attributes = { 'messaging.system': 'kafka', 'messaging.destination.name': topic }
  return function post({ roomId, senderId, command }: Post): Promise<void> {
    const sentAt = now()
    const { type, value } = commandRecord(command, { roomId, senderId, sentAt })
    const span = startTrace(name, { kind: SpanKind.PRODUCER, attributes })
    const sent = producer.send({
      topic,
      key: roomId,
      value: codec.encode(topics.chatCommands, type, value),
      headers: toHeaders({
        id: randomUUID(),
        type,
        source: '/realtime',
        time: sentAt,
        traceparent: span && traceparent(span),
      }),
    })
    if (span !== undefined) {
      // A failure is the caller's to handle.
      sent
        .catch(() => undefined)
        .finally(() => {
          span.end()
        })
    }
    return sent
  }
}
