import { type ConsumedRecord, type OutgoingRecord } from '../kafka/index.ts'
import { type DeadLetter } from './read.ts'

/** What dead-letter headers begin with. */
const ours = 'dlq_'

/**
 * The record as it was before it died, for the topic that it came from: its key, so that it goes to the same partition, its
 * bytes, and its own headers, ce_id among them, by which every reader of the topic but the one that failed knows that it
 * has had it. It comes after what was written meanwhile.
 */
export const redriven = ({ source, record }: DeadLetter & { record: ConsumedRecord }): OutgoingRecord => {
  const headers: Record<string, Buffer> = {}
  for (const [name, value] of Object.entries(record.headers))
    if (value !== undefined && !name.startsWith(ours)) headers[name] = value
  return { topic: source.topic, key: record.keyBytes ?? record.key, value: record.value, headers }
}
