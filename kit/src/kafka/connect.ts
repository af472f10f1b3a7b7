import { createAdmin } from './admin.ts'
import { type Client, type Dial, openClient } from './client.ts'
import { consumeGroup } from './group.ts'
import { createProducer } from './producer.ts'
import { consumeTail } from './tail.ts'
import { type Consumer, type Kafka, type KafkaSettings, type Producer } from './types.ts'

/** `connectKafka` with the network in the caller's hands. */
export function createKafka(brokers: readonly string[], settings: KafkaSettings, dial: Dial): Kafka {
  const { clientId, log, meter } = settings
  const openAs =
    (name: string) =>
    (requestTimeoutMs: number): Client =>
      openClient({ brokers, clientId: name, log, dial }, requestTimeoutMs)
  const open = openAs(clientId)
  const admin = createAdmin(open)
  const producers = new Set<Producer>()
  const consumers = new Set<Consumer>()
  const metrics = meter && {
    sent: meter.createCounter('messaging.client.sent.messages', { unit: '{message}' }),
    duration: meter.createHistogram('messaging.client.operation.duration', { unit: 's' }),
  }
  return {
    admin,
    producer(limits) {
      const producer = createProducer({ openClient: open, log, metrics }, limits)
      producers.add(producer)
      return producer
    },
    async consume(options) {
      const consumer =
        'groupId' in options
          ? consumeGroup({ openClient: openAs(options.instance ?? clientId), log }, options)
          : consumeTail({ openClient: open, log, clientId, admin }, options)
      consumers.add(consumer)
      await consumer.joined
      return consumer
    },
    async close() {
      await Promise.all(Array.from(consumers, (consumer) => consumer.stop()))
      await Promise.all(Array.from(producers, (producer) => producer.close()))
    },
  }
}
