import { type EachBatchPayload } from 'kafkajs'
import { type ConsumedRecord } from './types.ts'

/** kafkajs' messages as the port's records. Offsets are far below 2^53. */
export function recordsOf(batch: EachBatchPayload['batch']): ConsumedRecord[] {
  const { topic, partition } = batch
  return batch.messages.map((message) => {
    // As in record-format.ts.
    const headers = Object.create(null) as Record<string, Buffer | undefined>
    for (const name in message.headers) {
      const value = message.headers[name]
      const last = Array.isArray(value) ? value.at(-1) : value
      headers[name] = typeof last === 'string' ? Buffer.from(last) : last
    }
    return {
      topic,
      partition,
      offset: Number(message.offset),
      timestamp: Number(message.timestamp),
      key: message.key === null ? null : message.key.toString(),
      keyBytes: message.key,
      value: message.value,
      headers,
    }
  })
}

export const partitionKey = (record: Pick<ConsumedRecord, 'topic' | 'partition'>): string =>
  `${record.topic}/${record.partition}`
