import { newestVersion } from '../schemas.ts'
import { keptFor, subjectOf, topics, type RecordName, type Topic } from '../topics.ts'
import { docOf, fieldsOf } from './fields.ts'
import { sampleOf } from './samples.ts'

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`)
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
const code = (text: string): string => `\`${text}\``
const anchor = (name: string): string => `[${code(name)}](#${name.toLowerCase().replaceAll('.', '')})`

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(...head), row(...head.map(() => '---')), ...rows.map((cells) => row(...cells))].join('\n')

const versionsText = (version: number): string => (version === 1 ? 'v1' : `v1 to v${version}`)

const recordSection = (topic: Topic, record: RecordName): string => {
  const fields = fieldsOf(record)
  const { version, namespace } = newestVersion(record)
  return [
    `### ${record}`,
    docOf(record),
    `${code(`${namespace}.${record}`)}, ${versionsText(version)}, subject ${code(subjectOf(topic, record))}.`,
    table(
      ['field', 'type', 'unit', 'since', 'personal', 'what it is'],
      fields.map(({ name, form, unit = '', since, personal = '', doc }) => [
        ...[code(name), form, unit, `v${since}`, personal, doc],
      ]),
    ),
    `<details><summary>A record</summary>\n\n\`\`\`json\n${JSON.stringify(sampleOf(record), null, 2)}\n\`\`\`\n\n</details>`,
  ].join('\n\n')
}

const topicSection = (topic: Topic): string =>
  [
    `## ${topic.name}`,
    topic.doc,
    table(
      ['key', 'partitions', 'cleanup', 'kept', 'owner', 'written by', 'read by'],
      [
        [
          ...[topic.key, String(topic.partitions), topic.cleanup, keptFor(topic), topic.owner],
          ...[topic.writers.join(', '), topic.readers.join(', ')],
        ],
      ],
    ),
    ...topic.records.map((record) => recordSection(topic, record)),
  ].join('\n\n')

const isDeadLetters = ({ records }: Topic): boolean => records.length === 0

/** docs/catalogue.md: every topic, record and field, from the catalogue and the schemas. */
export const cataloguePage = (): string => {
  const all = Object.values<Topic>(topics)
  const carrying = all.filter((topic) => !isDeadLetters(topic))
  const deadLetters = all.filter(isDeadLetters)
  return `${[
    '# Catalogue of topics',
    'Every topic, record and field. Written by `npm run catalogue` from `contracts/`. How to read them: [data.md](data.md).',
    [
      '_Personal_ says in which way a field is about people. **sealed**: bytes under a data key of the person’s own, unreadable',
      'to readers of topics, and to everybody once that key is deleted. **person**: the id of a person or of a session of theirs,',
      'random. **text**: what a person wrote or chose to be called. **pseudonym**: stands for a person or a network on one day only.',
      'Of a record that is older than a field, readers get the field’s default. _Since_ is the version that brought it.',
    ].join('\n'),
    table(
      ['topic', 'what it tells', 'kept', 'owner', 'records'],
      carrying.map((topic) => [
        ...[anchor(topic.name), topic.doc, keptFor(topic), topic.owner],
        topic.records.map(code).join(', '),
      ]),
    ),
    ...carrying.map(topicSection),
    [
      '## Dead letters',
      'Records that a consumer group could not handle, bytes and keys as they were, with headers that say where from and why.',
      table(
        ['topic', 'group', 'kept'],
        deadLetters.map((topic) => [code(topic.name), topic.owner, keptFor(topic)]),
      ),
    ].join('\n\n'),
  ].join('\n\n')}\n`
}
