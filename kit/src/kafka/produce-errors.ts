import { type ProduceFailure } from './errors.ts'

/**
 * - `record`: the broker will never take it.
 * - `connection`: no answer came; the request may have been carried out.
 * - `other`: anything else, worth another try with a new producer.
 */
export type Classified =
  | { readonly kind: 'record'; readonly code: ProduceFailure }
  | { readonly kind: 'connection' }
  | { readonly kind: 'other' }

const refusals: Readonly<Record<string, ProduceFailure>> = {
  MESSAGE_TOO_LARGE: 'too-large',
  RECORD_LIST_TOO_LARGE: 'too-large',
  UNKNOWN_TOPIC_OR_PARTITION: 'unknown-topic',
  INVALID_TOPIC_EXCEPTION: 'unknown-topic',
  TOPIC_AUTHORIZATION_FAILED: 'rejected',
  CLUSTER_AUTHORIZATION_FAILED: 'rejected',
  INVALID_RECORD: 'rejected',
  INVALID_TIMESTAMP: 'rejected',
  POLICY_VIOLATION: 'rejected',
}

const unanswered = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
])

/** kafkajs wraps what happened in "retries exceeded" and "non-retriable" errors: the cause decides. */
export function classify(error: unknown): Classified {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = 'type' in e && typeof e.type === 'string' ? refusals[e.type] : undefined
    if (code) return { kind: 'record', code }
    if (unanswered.has(e.name)) return { kind: 'connection' }
  }
  return { kind: 'other' }
}
