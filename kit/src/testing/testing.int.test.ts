import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { expect, test } from 'vitest'
import { freshDatabase, freshGroup, freshTopic, infrastructure } from './index.ts'

test('infrastructure says in one line what is missing', () => {
  expect(() => infrastructure({ KAFKA_BROKERS: 'a:1' })).toThrow(/^[^\n]*SCHEMA_REGISTRY_URL[^\n]*$/)
  expect(
    infrastructure({
      KAFKA_BROKERS: 'a:1,b:2',
      SCHEMA_REGISTRY_URL: 'http://r',
      DATABASE_URL: 'postgres://p@h/d',
    }),
  ).toEqual({ kafkaBrokers: ['a:1', 'b:2'], schemaRegistryUrl: 'http://r', databaseUrl: 'postgres://p@h/d' })
})

test('a fresh database is there, and gone after its drop, connections included', async () => {
  const { url, drop } = await freshDatabase()
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('create table t (id int)')
  await drop()
  await drop()
  const again = new pg.Client({ connectionString: url })
  await expect(again.connect()).rejects.toMatchObject({ code: '3D000' })
})

test('a fresh topic is there, and gone after its drop', async () => {
  const kafka = new Kafka({ brokers: infrastructure().kafkaBrokers, logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const { name, drop } = await freshTopic({ partitions: 3 })
  const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
  expect(topics[0]?.partitions).toHaveLength(3)
  await drop()
  await expect.poll(() => admin.listTopics()).not.toContain(name)
  await admin.disconnect()
})

test('groups have names of their own', () => {
  expect(freshGroup('fanout')).toMatch(/^fanout-[0-9a-f]{12}$/)
  expect(freshGroup()).not.toBe(freshGroup())
})
