import { type Command, type CommandIo, UsageError } from '../ops/command.ts'
import { countOf, offsetsOf, positionOf, readArguments, topicNamed } from './arguments.ts'
import { type Exported, exportFolder, type ExportProgress, exportTopic } from './export-topic.ts'
import { withSource } from './source.ts'

const grouped = new Intl.NumberFormat('en')

/** Tells how far an export is, at most once a second. */
export const tellProgress = (warn: CommandIo['warn'], startedAt = performance.now()) => {
  let toldAt = startedAt
  return ({ read, total, files }: ExportProgress): void => {
    const now = performance.now()
    if (now - toldAt < 1_000) return
    toldAt = now
    const rate = grouped.format(Math.round((1_000 * read) / (now - startedAt)))
    warn(`${grouped.format(read)} of ${grouped.format(total)} records, ${rate} a second, ${files} files`)
  }
}

/** What an export came to, for people. */
export const tellExported = (
  { print, warn }: CommandIo,
  folder: string,
  { rows, files, leftOut, complete }: Exported,
): boolean => {
  for (const [reason, count] of Object.entries(leftOut)) warn(`${count} records left out: ${reason}`)
  print(`${grouped.format(rows)} rows in ${files} files below ${folder}`)
  if (!complete) warn('stopped; the same call goes on from here')
  return complete
}

/** Writes a topic as Parquet files. */
export const exportCommand: Command = {
  name: 'export',
  args: '--topic <topic> --out DIR [--from P] [--to P] [--batch N]',
  doc: 'Parquet files by record type and day, from the beginning to the end unless told; called again it goes on',
  async run(args, io) {
    const { values, positionals } = readArguments(args, {
      topic: { type: 'string' },
      out: { type: 'string' },
      from: { type: 'string', default: 'beginning' },
      to: { type: 'string', default: 'end' },
      batch: { type: 'string', default: '250000' },
    })
    if (positionals.length > 0) throw new UsageError(`options only, not ${positionals.join(' ')}`)
    const topic = topicNamed(values.topic)
    if (topic.records.length === 0)
      throw new UsageError(`${topic.name} has no columns: it carries bytes as they were`)
    const { out } = values
    if (out === undefined) throw new UsageError('--out names the folder to write to')
    const [begin, end] = [positionOf('--from', values.from), positionOf('--to', values.to)]
    const batch = countOf('--batch', values.batch)
    return withSource(io.env, topic, async ({ kafka, codec, ranges }) => {
      const exported = await exportTopic({
        ...{ kafka, codec, topic, out, batch, signal: io.signal },
        from: await offsetsOf(kafka.admin, topic, ranges, begin),
        to: await offsetsOf(kafka.admin, topic, ranges, end),
        onProgress: tellProgress(io.warn),
      })
      return tellExported(io, exportFolder(out, topic), exported)
    })
  },
}
