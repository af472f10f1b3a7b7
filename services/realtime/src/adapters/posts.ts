import { type Tracer, SpanKind } from '@opentelemetry/api'
import { type Codec, toHeaders, topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { traceparent } from '@veza/kit/telemetry'
import { randomUUID } from 'node:crypto'

/** A message that a member wants in a room, checked. */
export interface Post {
  readonly roomId: string
  readonly senderId: string
  readonly clientMessageId: string
  readonly body: string
}

export interface PostsOptions {
  readonly producer: Producer
  readonly codec: Codec
  readonly tracer: Tracer
  /** The topic's name. */
  readonly topic: string
  readonly now: () => number
}

/**
 * Puts posts on their way. Resolves when the brokers have the post, from when on it is never lost. Rejects
 * ProduceFailed, or QueueFull at once.
 */
export const createPosts = ({ producer, codec, tracer, topic, now }: PostsOptions) =>
  function post({ roomId, senderId, clientMessageId, body }: Post): Promise<void> {
    const sentAt = now()
    const span = tracer.startSpan(`publish ${topic}`, { kind: SpanKind.PRODUCER, root: true })
    const sent = producer.send({
      topic,
      key: roomId,
      value: codec.encode(topics.chatCommands, 'PostMessage', {
        roomId,
        senderId,
        clientMessageId,
        body,
        sentAt,
      }),
      headers: toHeaders({
        id: randomUUID(),
        type: 'PostMessage',
        source: '/realtime',
        time: sentAt,
        traceparent: traceparent(span),
      }),
    })
    if (span.isRecording()) {
      span.setAttributes({ 'messaging.system': 'kafka', 'messaging.destination.name': topic })
      // A failure is the caller's to handle.
      sent
        .catch(() => undefined)
        .finally(() => {
          span.end()
        })
    }
    return sent
  }
