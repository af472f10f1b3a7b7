import { list, readEnv, url } from '@veza/kit/env'
import { openCodec } from '@veza/kit/codec'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { rebaseOutbox } from '@veza/kit/outbox'
import { readArguments } from '../data/arguments.ts'
import { openArchive } from '../data/archive.ts'
import { databases, type DatabaseName } from '../stack.ts'
import { type Command, UsageError } from './command.ts'
import { readModels } from './read-models.ts'

const database = (of: string) =>
  url(`the PostgreSQL database of ${of}`, undefined, { schemes: ['postgres', 'postgresql'] })

/** Of whoever reads topics. */
const topicsEnvironment = {
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
} as const

const timeOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new UsageError(`--from is no time: ${text}`)
  return time
}

/** Rebuilds a read model while the live one stays in use. */
export const replayReadModel: Command = {
  name: 'replay',
  args: '<group> [--from <time>] [--archive DIR]',
  doc: 'rebuilds a read model from its topics (and the archive of one) beside the live one, and swaps the two',
  async run(args, { env, print }) {
    const { values, positionals } = readArguments(args, {
      from: { type: 'string' },
      archive: { type: 'string' },
    })
    const [group, ...more] = positionals
    if (group === undefined || more.length > 0)
      throw new UsageError('a group, and perhaps --from 2026-11-24T00:00:00Z or --archive DIR')
    const model = readModels.find(({ name }) => name === group)
    if (!model)
      throw new UsageError(
        `no read model ${group}; there are: ${readModels.map(({ name }) => name).join(', ')}`,
      )
    if (values.archive !== undefined && !model.isArchived)
      throw new UsageError(`nothing that ${group} reads is archived`)
    const from = timeOf(values.from)
    const settings = readEnv(topicsEnvironment, env)
    const rebuild = model.prepare(env)
    const log = createLog('ops', 'warn')
    const codec = await openCodec(settings.SCHEMA_REGISTRY_URL, log)
    const kafka = connectKafka(settings.KAFKA_BROKERS, { clientId: 'ops', log })
    const startedAt = performance.now()
    try {
      const archive = values.archive === undefined ? undefined : openArchive(values.archive)
      const { read } = await rebuild({
        ...{ kafka, codec, log, archive },
        ...(from !== undefined && { from }),
        onProgress: (progress) => {
          print(`${progress.read} of ${progress.total} records`)
        },
      })
      print(`swapped after ${read} records, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
      return true
    } finally {
      await kafka.close()
    }
  },
}

const isContext = (text: string | undefined): text is DatabaseName => text !== undefined && text in databases

/** What a restore by a dump needs before its events can be relayed. */
export const rebase: Command = {
  name: 'rebase-outbox',
  args: '<context>',
  doc: 'after its database was restored into another cluster, with no writer and no relay at work',
  async run([context, ...more], { env, print }) {
    if (!isContext(context) || more.length > 0)
      throw new UsageError(`one of ${Object.keys(databases).join(', ')}`)
    const setting = `${context.toUpperCase()}_DATABASE_URL`
    const waiting = await rebaseOutbox(readEnv({ [setting]: database(context) }, env)[setting] ?? '')
    print(`${waiting} events of ${context} are to be published`)
    return true
  },
}
