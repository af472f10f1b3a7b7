import { newestVersion } from './schemas.ts'
import { topics, type RecordName, type Topic } from './topics.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

const reference = (path: string): Json => ({ $ref: `#/${path}` })

function channel(topic: Topic): Json {
  return {
    address: topic.name,
    description: `${topic.doc} Key: ${topic.key}.`,
    messages: Object.fromEntries(
      topic.records.map((name) => [name, reference(`components/messages/${name}`)]),
    ),
    bindings: {
      kafka: {
        topic: topic.name,
        partitions: topic.partitions,
        topicConfiguration: { 'cleanup.policy': [topic.cleanup], 'retention.ms': topic.retentionMs },
        bindingVersion: '0.5.0',
      },
    },
  }
}

function operation(name: string, topic: Topic, action: 'send' | 'receive', who: readonly string[]): Json {
  return {
    action,
    channel: reference(`channels/${name}`),
    title: `${who.join(', ')} ${action} on ${topic.name}`,
    tags: who.map((process) => ({ name: process })),
    messages: topic.records.map((record) => reference(`channels/${name}/messages/${record}`)),
  }
}

function message(record: RecordName): Json {
  const { text, type } = newestVersion(record)
  const schema = JSON.parse(text) as { [key: string]: Json; doc: string }
  return {
    name: record,
    title: record,
    summary: schema.doc,
    contentType: 'application/avro',
    headers: reference('components/schemas/EventHeaders'),
    payload: { schemaFormat: 'application/vnd.apache.avro+json;version=1.9.0', schema },
    bindings: {
      kafka: { schemaIdLocation: 'payload', schemaIdPayloadEncoding: 'confluent', bindingVersion: '0.5.0' },
    },
    tags: [{ name: String(type.name) }],
  }
}

const eventHeaders: Json = {
  type: 'object',
  description: 'CloudEvents 1.0 attributes (Kafka binding, binary mode) and W3C Trace Context.',
  required: ['ce_specversion', 'ce_id', 'ce_type', 'ce_source', 'ce_time', 'content-type'],
  properties: {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: { type: 'string', description: 'The same for every repetition of one event.' },
    ce_type: { type: 'string', description: 'The name of the record.' },
    ce_source: { type: 'string', description: 'Who wrote it, such as /chat-fanout.' },
    ce_time: { type: 'string', format: 'date-time' },
    ce_subject: { type: 'string', description: 'The stream of an event-sourced entity.' },
    ce_sequence: {
      type: 'string',
      pattern: '^[1-9][0-9]*$',
      description: 'Its version in that stream, from 1, dense: what was seen before is a repetition.',
    },
    'content-type': { type: 'string', const: 'application/avro' },
    traceparent: { type: 'string' },
  },
}

/** The AsyncAPI 3.0 document of all topics, from the catalogue and the newest schemas. */
export function asyncapi(): Json {
  const catalogue = Object.entries<Topic>(topics)
  const records = new Set(catalogue.flatMap(([, topic]) => topic.records))
  const titled = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Veza topics',
      version: '0.1.0',
      description:
        'Values are in the Confluent wire format: a zero byte, the schema id (int32, big endian), Avro binary. ' +
        'Subjects in the registry are named <topic>-<namespace>.<Record>; compatibility is FULL_TRANSITIVE.',
    },
    defaultContentType: 'application/avro',
    channels: Object.fromEntries(catalogue.map(([name, topic]) => [name, channel(topic)])),
    operations: Object.fromEntries(
      catalogue.flatMap(([name, topic]) => [
        [`send${titled(name)}`, operation(name, topic, 'send', topic.writers)],
        [`receive${titled(name)}`, operation(name, topic, 'receive', topic.readers)],
      ]),
    ),
    components: {
      messages: Object.fromEntries([...records].map((record) => [record, message(record)])),
      schemas: { EventHeaders: eventHeaders },
    },
  }
}
