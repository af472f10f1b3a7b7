import { randomUUID } from 'node:crypto'
import { deadLetterTopic } from '@veza/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectKafka, type ConsumedRecord, type Kafka, type Producer } from '../kafka/index.ts'
import { createLog } from '../log/index.ts'
import { freshGroup, freshTopic, infrastructure } from '../testing/index.ts'
import { deadLetterRecord } from '../worker/dead-letter.ts'
import { type DeadLetter, findDeadLetter, readDeadLetters, redriven } from './index.ts'

const [group, other] = [freshGroup(), freshGroup()]
let kafka: Kafka
let producer: Producer
beforeAll(async () => {
  const log = createLog('test', 'silent')
  kafka = connectKafka(infrastructure().kafkaBrokers, { clientId: `test-${randomUUID()}`, log })
  producer = kafka.producer()
  const topics = [group, other].map((of) => ({ name: deadLetterTopic(of), partitions: 2 }))
  await kafka.admin.createTopics(topics.map((topic) => ({ ...topic, replication: 1, config: {} })))
})
afterAll(async () => {
  await kafka.admin.deleteTopics([group, other].map(deadLetterTopic))
  await kafka.close()
})

const failed = (number: number, topic: string): ConsumedRecord => ({
  ...{ topic, partition: 3, offset: number, timestamp: 1_000 + number },
  key: `key-${number}`,
  value: Buffer.from(`value ${number}`),
  headers: { ce_id: Buffer.from(`id-${number}`), ce_type: Buffer.from('MessagePosted') },
})
const bury = async (of: string, number: number, topic = 'chat.events.v1'): Promise<void> => {
  const burial = { errorClass: 'TypeError', reason: `why ${number}`, attempts: 5, firstFailedAt: 0 }
  await producer.send(deadLetterRecord({ group: of, record: failed(number, topic), ...burial }))
}

test('reads the newest of several groups, says what became of each, and finds one by where it lies', async () => {
  expect(await readDeadLetters(kafka, [group, other], 10)).toEqual([])
  for (const number of [0, 1, 2, 3, 4, 5]) await bury(number === 2 ? other : group, number)
  const letters = await readDeadLetters(kafka, [group, other], 10)
  expect(letters.map(({ eventId }) => eventId).sort()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `id-${n}`))
  const times = letters.map(({ at }) => at)
  expect(times).toEqual([...times].sort((a, b) => b - a))
  const third = letters.find(({ eventId }) => eventId === 'id-2')
  expect(third).toMatchObject({
    ...{
      group: other,
      errorClass: 'TypeError',
      reason: 'why 2',
      attempts: 5,
      type: 'MessagePosted',
      size: 7,
    },
    source: { topic: 'chat.events.v1', partition: 3, offset: 2 },
  })
  // Of each partition, the one that came last.
  const newest = await readDeadLetters(kafka, [group], 1)
  const lasts = [0, 1].flatMap(
    (partition) => letters.find((one) => one.group === group && one.partition === partition) ?? [],
  )
  expect(newest.map(({ eventId }) => eventId).sort()).toEqual(lasts.map(({ eventId }) => eventId).sort())

  for (const letter of letters) expect((await findDeadLetter(kafka, letter))?.eventId).toBe(letter.eventId)
  expect(await findDeadLetter(kafka, { group, partition: 0, offset: 1_000 })).toBeUndefined()
  expect(await findDeadLetter(kafka, { group, partition: 9, offset: 0 })).toBeUndefined()
})

test('what was laid there by somebody else is told as far as it says what it is', async () => {
  await producer.send({ topic: deadLetterTopic(other), key: 'foreign', value: null, headers: {} })
  const letters = await readDeadLetters(kafka, [other], 10)
  expect(letters.find(({ record }) => record.key === 'foreign')).toMatchObject({
    ...{
      group: other,
      errorClass: '',
      reason: '',
      attempts: 0,
      size: 0,
      type: undefined,
      eventId: undefined,
    },
    source: { topic: '', partition: -1, offset: -1 },
  })
})

test('what is redriven is what died, key, bytes and headers, without what was written on it since', async () => {
  const source = await freshTopic({ partitions: 3 })
  const seen: ConsumedRecord[] = []
  let told: () => void = () => undefined
  const arrived = new Promise<void>((resolve) => (told = resolve))
  const consumer = await kafka.consume({
    ...{ topics: [source.name], from: 'end' },
    onRecords(records) {
      seen.push(...records)
      told()
    },
  })
  await bury(group, 7, source.name)
  const letter = (await readDeadLetters(kafka, [group], 10)).find(({ eventId }) => eventId === 'id-7')
  await producer.send(redriven(letter as DeadLetter))
  await arrived
  expect(seen.map(({ key, value }) => [key, value?.toString()])).toEqual([['key-7', 'value 7']])
  expect(Object.keys(seen[0]?.headers ?? {}).sort()).toEqual(['ce_id', 'ce_type'])
  await consumer.stop()
  await source.drop()
})
