import { Compatibility } from '@confluentinc/schemaregistry/dist/schemaregistry-client.js'
import kafkajs from 'kafkajs'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createTopics, diffSchemas, registerSchemas } from './deploy.ts'
import { RegistryUnavailable } from './errors.ts'
import { openRegistry } from './registry.ts'
import { newestVersion, versionsOf } from './schemas.ts'
import { subjectOf, topics, type Topic } from './topics.ts'

const required = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}
const registryUrl = required('SCHEMA_REGISTRY_URL')
const brokers = required('KAFKA_BROKERS').split(',')

describe('registering schemas', () => {
  it('registers every version, FULL_TRANSITIVE, and can be repeated', async () => {
    const first = await registerSchemas(registryUrl)
    expect(first.map(({ subject, version }) => `${subject} v${version}`)).toEqual(
      Object.values<Topic>(topics).flatMap((topic) =>
        topic.records.flatMap((record) =>
          versionsOf(record).map(({ version }) => `${subjectOf(topic, record)} v${version}`),
        ),
      ),
    )
    expect(await registerSchemas(registryUrl)).toEqual(first)
    expect(await diffSchemas(registryUrl)).toEqual([])
    for (const { subject } of first)
      expect(await openRegistry(registryUrl).getCompatibility(subject)).toBe(Compatibility.FULL_TRANSITIVE)
  })

  it('is refused by the registry itself for an incompatible schema', async () => {
    const registry = openRegistry(registryUrl)
    const subject = `test-${randomUUID()}-veza.chat.PostMessage`
    const { text } = newestVersion('PostMessage')
    const edited = JSON.parse(text) as { fields: { name: string }[] }
    const schema = (fields: readonly object[]) => ({
      schemaType: 'AVRO',
      schema: JSON.stringify({ ...edited, fields }),
    })
    try {
      await registry.updateCompatibility(subject, Compatibility.FULL_TRANSITIVE)
      await registry.register(subject, { schemaType: 'AVRO', schema: text })
      const refused = { status: 409 }
      await expect(
        registry.register(subject, schema(edited.fields.filter(({ name }) => name !== 'body'))),
      ).rejects.toMatchObject(refused)
      await expect(
        registry.register(subject, schema([...edited.fields, { name: 'note', type: 'string' }])),
      ).rejects.toMatchObject(refused)
    } finally {
      await registry.deleteSubject(subject)
    }
  })

  it('goes on where somebody else has made the same rule at the same moment, as the registry puts it', async () => {
    let refusals = 0
    const { hostname, port, pathname } = new URL(registryUrl)
    const between = createServer((incoming, answer) => {
      const { method, url = '', headers } = incoming
      if (method === 'PUT' && url.includes('/config/') && refusals++ === 0) {
        incoming.resume()
        answer.writeHead(409, { 'content-type': 'application/json' })
        answer.end(`{"error_code":0,"message":"A rule named 'COMPATIBILITY' already exists."}`)
        return
      }
      incoming.pipe(
        request({ hostname, port, path: url, method, headers }, (real) => {
          answer.writeHead(real.statusCode ?? 500, real.headers)
          real.pipe(answer)
        }),
      )
    }).listen(0, '127.0.0.1')
    await once(between, 'listening')
    onTestFinished(() => void between.close())
    const own = `http://127.0.0.1:${(between.address() as AddressInfo).port}${pathname}`
    expect(await registerSchemas(own)).toEqual(await registerSchemas(registryUrl))
    expect(refusals).toBeGreaterThan(1)
  })

  it('says that the registry is unavailable when nothing listens', async () => {
    await expect(registerSchemas('http://127.0.0.1:1')).rejects.toThrow(RegistryUnavailable)
    await expect(diffSchemas('http://127.0.0.1:1')).rejects.toThrow(RegistryUnavailable)
  })
})

describe('creating topics', () => {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  const topic: Topic = { ...topics.chatEvents, name: `test.${randomUUID()}.v1`, partitions: 3 }
  const create = (changed: Partial<Topic> = {}) =>
    createTopics(brokers, { replication: 1, topics: [{ ...topic, ...changed }] })
  const configOf = async (name: string): Promise<Record<string, string>> => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }],
    })
    return Object.fromEntries(
      (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
    )
  }

  beforeAll(() => admin.connect())
  afterAll(async () => {
    await admin.deleteTopics({ topics: [topic.name] })
    await admin.disconnect()
  })

  it('creates them with partitions and settings, once', async () => {
    expect(await create()).toEqual([{ name: topic.name, outcome: 'created' }])
    expect(await create()).toEqual([{ name: topic.name, outcome: 'unchanged' }])
    const { topics: found } = await admin.fetchTopicMetadata({ topics: [topic.name] })
    expect(found[0]?.partitions.length).toBe(3)
    expect(await configOf(topic.name)).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': String(30 * 24 * 3_600_000),
      'min.insync.replicas': '1',
    })
  })

  it("changes settings of a topic that exists and leaves an operator's own alone", async () => {
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: topic.name,
          configEntries: [{ name: 'max.message.bytes', value: '2000000' }],
        },
      ],
    })
    expect(await create({ retentionMs: 3_600_000 })).toEqual([{ name: topic.name, outcome: 'configured' }])
    expect(await configOf(topic.name)).toMatchObject({
      'retention.ms': '3600000',
      'segment.ms': '900000',
      'max.message.bytes': '2000000',
    })
  })

  it('never changes partitions', async () => {
    await expect(create({ partitions: 6 })).rejects.toThrow(
      `topic ${topic.name} has 3 partitions, the catalogue says 6: partitions are never changed`,
    )
  })

  it('passes on what the brokers refuse', async () => {
    const refused = { ...topic, name: `test.${randomUUID()}.v1` }
    await expect(createTopics(brokers, { replication: 99, topics: [refused] })).rejects.toThrow(
      /replication/i,
    )
  })
})
