import { randomBytes } from 'node:crypto'
import { type Admin, connectKafka } from '../kafka/index.ts'
import { createLog } from '../log/index.ts'
import { infrastructure } from './infrastructure.ts'

/** A topic of one test's own. */
export interface FreshTopic {
  readonly name: string
  readonly drop: () => Promise<void>
}

const log = createLog('test', 'silent')
const random = (): string => randomBytes(6).toString('hex')

/** A consumer group's name that no other test uses. */
export const freshGroup = (prefix = 'test'): string => `${prefix}-${random()}`

/** Creates an empty topic with a random name on the brokers that KAFKA_BROKERS names. */
export const freshTopic = async ({ prefix = 'test', partitions = 1 } = {}): Promise<FreshTopic> => {
  const administer = async (work: (admin: Admin) => Promise<unknown>): Promise<void> => {
    const kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: 'test', log })
    try {
      await work(kafka.admin)
    } finally {
      await kafka.close()
    }
  }
  const name = `${prefix}.${random()}.v1`
  await administer((admin) => admin.createTopics([{ name, partitions, replication: 1, config: {} }]))
  return { name, drop: () => administer((admin) => admin.deleteTopics([name])) }
}
