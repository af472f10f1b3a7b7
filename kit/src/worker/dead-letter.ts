import { deadLetterTopic } from '@veza/contracts'
import { type ConsumedRecord, type OutgoingRecord } from '../kafka/index.ts'

export interface Burial {
  readonly group: string
  readonly record: ConsumedRecord
  readonly errorClass: string
  readonly reason: string
  /** How often it was handled. 0 = it could not be read. */
  readonly attempts: number
  /** Epoch milliseconds. */
  readonly firstFailedAt: number
}

const maxReasonLength = 1000

/**
 * The record as it was, key, value and headers (traceparent among them), with headers that say where from and why. Their
 * values are text.
 */
export function deadLetterRecord(burial: Burial): OutgoingRecord {
  const { record } = burial
  const original: Record<string, Buffer> = {}
  for (const [name, value] of Object.entries(record.headers)) if (value) original[name] = value
  return {
    topic: deadLetterTopic(burial.group),
    key: record.keyBytes ?? record.key,
    value: record.value,
    headers: {
      ...original,
      dlq_original_topic: record.topic,
      dlq_original_partition: String(record.partition),
      dlq_original_offset: String(record.offset),
      dlq_original_timestamp: String(record.timestamp),
      dlq_group: burial.group,
      dlq_exception_class: burial.errorClass,
      dlq_exception_message: burial.reason.slice(0, maxReasonLength),
      dlq_attempts: String(burial.attempts),
      dlq_first_failed_at: new Date(burial.firstFailedAt).toISOString(),
    },
  }
}
