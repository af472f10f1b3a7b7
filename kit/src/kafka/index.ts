import { dialDirectly } from './client.ts'
import { createKafka } from './connect.ts'
import { type Kafka, type KafkaSettings } from './types.ts'

export * from './errors.ts'
export { readRanges, type ReadRanges } from './ranges.ts'
export { headerOf } from './records.ts'
export { backoff, pause } from './timing.ts'
export type * from './types.ts'

/**
 * Connects nothing by itself: producers, consumers and the admin connect when they are first used, each over
 * connections of its own, and reconnect for as long as they live. `brokers` are `host:port`.
 */
export const connectKafka = (brokers: readonly string[], settings: KafkaSettings): Kafka =>
  createKafka(brokers, settings, dialDirectly)
