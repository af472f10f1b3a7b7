import { type RecordName, subjectOf, topics, type Topic } from '@veza/contracts'
import { docOf, fieldsOf, keptFor, newestVersion } from '@veza/contracts/catalogue'
import { list, readEnv } from '@veza/kit/env'
import { connectKafka, type OffsetRange } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { type Command, UsageError } from '../ops/command.ts'
import { readArguments, topicNamed } from './arguments.ts'
import { rangesOf } from './source.ts'

const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const recordLines = (topic: Topic, record: RecordName): string[] => [
  '',
  `${record} v${newestVersion(record).version}: ${docOf(record)}`,
  `  subject ${subjectOf(topic, record)}`,
  ...table(
    fieldsOf(record).map(({ name, form, unit = '', since, personal = '', doc }) => [
      ...[`  ${name}`, form, unit, `v${since}`, personal, doc],
    ]),
  ),
]

const describeOne = (topic: Topic, ranges: readonly OffsetRange[]): string[] => [
  `${topic.name}: ${topic.doc}`,
  ...table([
    ['key', topic.key],
    ['owner', topic.owner],
    ['written by', topic.writers.join(', ')],
    ['read by', topic.readers.join(', ')],
    ['kept', `${keptFor(topic)}, cleanup ${topic.cleanup}`],
  ]),
  '',
  ...table([
    ['partition', 'first', 'end', 'records'],
    ...ranges.map(({ first, end }, partition) => [partition, first, end, end - first].map(String)),
  ]),
  ...topic.records.flatMap((record) => recordLines(topic, record)),
]

/** Says what a topic is and holds; without one, which there are. */
export const describe: Command = {
  name: 'describe',
  args: '[<topic>]',
  doc: 'what a topic is and holds: partitions, offsets, records, versions, fields, owner, retention; or all topics',
  async run(args, { env, print }) {
    const { positionals } = readArguments(args, {})
    const [name, ...more] = positionals
    if (more.length > 0) throw new UsageError(`one topic, not also ${more.join(' ')}`)
    const topic = name === undefined ? undefined : topicNamed(name)
    const { KAFKA_BROKERS: brokers } = readEnv({ KAFKA_BROKERS: list('Kafka brokers, host:port') }, env)
    const kafka = connectKafka(brokers, { clientId: 'data', log: createLog('data', 'fatal') })
    try {
      if (topic) {
        for (const line of describeOne(topic, await rangesOf(kafka, brokers, topic))) print(line)
        return true
      }
      const rows: string[][] = []
      for (const one of Object.values<Topic>(topics)) {
        const ranges = await rangesOf(kafka, brokers, one)
        const held = ranges.reduce((sum, { first, end }) => sum + end - first, 0)
        rows.push([one.name, String(one.partitions), String(held), keptFor(one), one.owner, one.doc])
      }
      for (const line of table([
        ['topic', 'partitions', 'records', 'kept', 'owner', 'what it tells'],
        ...rows,
      ]))
        print(line)
      return true
    } finally {
      await kafka.close()
    }
  },
}
