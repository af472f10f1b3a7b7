import { type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { type Topic } from '@veza/contracts'
import { type ConsumedRecord } from '../kafka/index.ts'
import { contextOf, traceparent } from '../telemetry/index.ts'
import { withTraceparent } from './decode.ts'
import { type Message, type Outcome } from './types.ts'

// W3C Trace Context: the last two digits are flags, the lowest bit says that the trace is recorded.
const isSampled = (header: string | undefined): boolean =>
  header !== undefined && (Number.parseInt(header.slice(53, 55), 16) & 1) === 1

/** The spans of a chunk, for the few messages whose trace is recorded. */
export interface ChunkSpans<T extends Topic> {
  /** The messages, those with a span carrying that span's traceparent, so that what they cause joins the trace. */
  readonly messages: Message<T>[]
  end(message: Message<T>, outcome: Outcome): void
  /** Ends what is left: it will come again. */
  abandon(): void
}

export function startSpans<T extends Topic>(
  tracer: Tracer,
  group: string,
  read: readonly Message<T>[],
): ChunkSpans<T> {
  const spans = new Map<ConsumedRecord, Span>()
  const messages = read.map((message) => {
    if (!isSampled(message.traceparent)) return message
    const record: ConsumedRecord = message.record
    const span = tracer.startSpan(
      `process ${record.topic}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          'messaging.system': 'kafka',
          'messaging.operation.name': 'process',
          'messaging.consumer.group.name': group,
          'messaging.destination.name': record.topic,
          'messaging.destination.partition.id': String(record.partition),
          'messaging.kafka.offset': record.offset,
          'messaging.message.id': message.id,
        },
      },
      contextOf(message.traceparent),
    )
    spans.set(record, span)
    const joined = traceparent(span)
    return joined === undefined ? message : withTraceparent(message, joined)
  })
  return {
    messages,
    end(message, outcome) {
      const record: ConsumedRecord = message.record
      const span = spans.get(record)
      spans.delete(record)
      span?.setAttribute('veza.outcome', outcome.kind)
      if (outcome.kind === 'dead') span?.setStatus({ code: SpanStatusCode.ERROR, message: outcome.reason })
      span?.end()
    },
    abandon() {
      for (const span of spans.values()) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: 'not done' })
        span.end()
      }
    },
  }
}
