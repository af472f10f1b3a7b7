import { newestVersion } from '../schemas.ts'
import { forever, type RecordName, subjectOf, topics, type Topic } from '../topics.ts'
import { type AvroType, fieldsOf, withoutNull } from './fields.ts'

/** Topics that carry one record type: what is a table to those who have a table a topic. */
export const singleRecordTopics = (): { readonly topic: Topic; readonly record: RecordName }[] =>
  Object.values<Topic>(topics).flatMap((topic) => {
    const [record, ...more] = topic.records
    return record === undefined || more.length > 0 ? [] : [{ topic, record }]
  })

/** Flink's names of types; its Avro format reads UUIDs as the strings that they are. */
const flinkTypes: Readonly<Record<string, string>> = {
  ...{ boolean: 'BOOLEAN', int: 'INT', long: 'BIGINT', float: 'FLOAT', double: 'DOUBLE', string: 'STRING' },
  ...{ bytes: 'BYTES', uuid: 'STRING', 'timestamp-millis': 'TIMESTAMP(3)' },
}

const flinkType = (type: AvroType): string => {
  const { type: inner, nullable } = withoutNull(type)
  const suffix = nullable ? '' : ' NOT NULL'
  if (typeof inner === 'string') return `${flinkTypes[inner] ?? inner}${suffix}`
  if (!('type' in inner)) throw new Error('a union in a union')
  if (inner.items !== undefined) return `ARRAY<${flinkType(inner.items)}>${suffix}`
  const name = inner.logicalType ?? (typeof inner.type === 'string' ? inner.type : '')
  const flink = flinkTypes[name]
  if (flink === undefined) throw new Error(`no type of Flink is known for ${name}`)
  return `${flink}${suffix}`
}

/** `TrackStatsChanged` as `track_stats_changed`. */
const snake = (name: string): string =>
  name.replaceAll(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase()

/** The times of a record by which a stream of it can be cut. */
const eventTime = (record: RecordName): string | undefined =>
  fieldsOf(record).find(({ form }) => form === 'timestamp-millis')?.name

/** `CREATE TABLE` of Flink SQL for a topic that carries one record type; addresses stand as `<…>`. */
export const flinkTable = ({
  topic,
  record,
}: {
  readonly topic: Topic
  readonly record: RecordName
}): string => {
  const fields = fieldsOf(record)
  const isTable = topic.cleanup === 'compact'
  const time = eventTime(record)
  const columns = [
    ...fields.map(({ name, type }) => `\`${name}\` ${flinkType(type)}`),
    ...(isTable ? ['PRIMARY KEY (`kafka_key`) NOT ENFORCED'] : []),
    ...(!isTable && time !== undefined
      ? [`WATERMARK FOR \`${time}\` AS \`${time}\` - INTERVAL '1' MINUTE`]
      : []),
  ]
  const key = ['`kafka_key` STRING NOT NULL']
  const settings = {
    connector: isTable ? 'upsert-kafka' : 'kafka',
    topic: topic.name,
    'properties.bootstrap.servers': '<KAFKA_BROKERS>',
    ...(!isTable && {
      'properties.group.id': '<a group of your own>',
      'scan.startup.mode': 'earliest-offset',
    }),
    'key.format': 'raw',
    ...(!isTable && { 'key.fields': 'kafka_key' }),
    'value.format': 'avro-confluent',
    'value.fields-include': 'EXCEPT_KEY',
    'value.avro-confluent.url': '<SCHEMA_REGISTRY_URL>',
    'value.avro-confluent.subject': subjectOf(topic, record),
  }
  return [
    `CREATE TABLE ${snake(record)} (`,
    [...key, ...columns].map((column) => `  ${column}`).join(',\n'),
    ') WITH (',
    Object.entries(settings)
      .map(([name, value]) => `  '${name}' = '${value}'`)
      .join(',\n'),
    ');',
  ].join('\n')
}

/** Configuration of Confluent's S3 sink for Kafka Connect, writing Parquet by day; addresses stand as `<…>`. */
export const connectSink = ({ topic }: { readonly topic: Topic }): Readonly<Record<string, unknown>> => ({
  name: `veza-${topic.name}`,
  config: {
    'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
    topics: topic.name,
    'tasks.max': String(topic.partitions),
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'io.confluent.connect.avro.AvroConverter',
    'value.converter.schema.registry.url': '<SCHEMA_REGISTRY_URL>',
    'value.converter.value.subject.name.strategy':
      'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy',
    's3.bucket.name': '<bucket>',
    's3.region': '<region>',
    'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
    'format.class': 'io.confluent.connect.s3.format.parquet.ParquetFormat',
    'parquet.codec': 'zstd',
    'partitioner.class': 'io.confluent.connect.storage.partitioner.TimeBasedPartitioner',
    'path.format': "'date='YYYY-MM-dd",
    'partition.duration.ms': '86400000',
    'timestamp.extractor': 'Record',
    locale: 'en-GB',
    timezone: 'UTC',
    // Files that are the same when a task is killed and begins anew: closed by offsets and by the records' time alone.
    'flush.size': '100000',
    'rotate.interval.ms': '3600000',
    'schema.compatibility': topic.retentionMs === forever ? 'FULL' : 'BACKWARD',
    'behavior.on.null.values': 'ignore',
  },
})

/** docs/tables.md: what those need who have grown out of one machine. */
export const tablesPage = (): string => {
  const single = singleRecordTopics()
  return `${[
    '# Topics as tables elsewhere',
    'For topics that carry one record type. Written by `npm run catalogue` from `contracts/`; neither Flink nor Connect is part of Veza, and these have been run on neither by us. What is in `<…>` is yours to fill in. More: [data.md](data.md).',
    '## Flink SQL',
    'Needs `flink-sql-connector-kafka` and `flink-sql-avro-confluent-registry`. Times are of the records, not of Kafka.',
    ...single.map(
      (one) =>
        `### ${one.topic.name}, ${one.record} v${newestVersion(one.record).version}\n\n\`\`\`sql\n${flinkTable(one)}\n\`\`\``,
    ),
    '## Kafka Connect',
    'Confluent’s S3 sink, with their Avro converter: Parquet by day. `POST` it to `/connectors`.',
    ...single.map(
      (one) => `### ${one.topic.name}\n\n\`\`\`json\n${JSON.stringify(connectSink(one), null, 2)}\n\`\`\``,
    ),
  ].join('\n\n')}\n`
}
