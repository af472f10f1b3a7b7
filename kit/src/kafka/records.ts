import type { EachBatchPayload } from 'kafkajs'
import { FetchedRecord } from './fetched.ts'
import { type ConsumedRecord } from './types.ts'

/** The records of a batch: kafkajs.ts has it made of the port's own. */
export const recordsOf = (batch: EachBatchPayload['batch']): ConsumedRecord[] =>
  batch.messages as unknown as ConsumedRecord[]

export const partitionKey = (record: Pick<ConsumedRecord, 'topic' | 'partition'>): string =>
  `${record.topic}/${record.partition}`

/**
 * A header's text, undefined when it is absent. Cheaper than `record.headers`, which reads them all. `name` is ASCII.
 */
export const headerOf = (record: ConsumedRecord, name: string): string | undefined =>
  (record instanceof FetchedRecord ? record.header(name) : record.headers[name])?.toString()
