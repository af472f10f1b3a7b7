import { Kafka, logLevel } from 'kafkajs'
import { randomBytes } from 'node:crypto'
import { infrastructure } from './infrastructure.ts'

/** A topic of one test's own. */
export interface FreshTopic {
  readonly name: string
  readonly drop: () => Promise<void>
}

const random = (): string => randomBytes(6).toString('hex')

/** A consumer group's name that no other test uses. */
export const freshGroup = (prefix = 'test'): string => `${prefix}-${random()}`

/** Creates an empty topic with a random name on the brokers that KAFKA_BROKERS names. */
export const freshTopic = async ({ prefix = 'test', partitions = 1 } = {}): Promise<FreshTopic> => {
  const kafka = new Kafka({
    clientId: 'test',
    brokers: infrastructure().kafkaBrokers,
    logLevel: logLevel.NOTHING,
  })
  const administer = async (work: (admin: ReturnType<Kafka['admin']>) => Promise<unknown>): Promise<void> => {
    const admin = kafka.admin()
    await admin.connect()
    try {
      await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
  const name = `${prefix}.${random()}.v1`
  await administer((admin) =>
    admin.createTopics({
      topics: [{ topic: name, numPartitions: partitions, replicationFactor: 1 }],
      waitForLeaders: true,
    }),
  )
  return { name, drop: () => administer((admin) => admin.deleteTopics({ topics: [name] })) }
}
