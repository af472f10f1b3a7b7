import { asyncapi } from './asyncapi.ts'
import { checkCompatibility, createTopics, diffSchemas, registerSchemas } from './deploy.ts'
import { schemaVersions } from './schemas.ts'
import { kafkaBrokers, registryUrl, replication, SettingError } from './settings.ts'
import { keptFor, topics, type Topic } from './topics.ts'

const usage = `Usage: npm run contracts -- <command>

  check              every version of every schema reads every other (FULL_TRANSITIVE); needs nothing
  register           registers all schemas, oldest first; can be repeated      SCHEMA_REGISTRY_URL
  diff               what the registry lacks or holds otherwise                SCHEMA_REGISTRY_URL
  topics             prints the catalogue
  topics --create    creates what is missing and sets retention and the like   KAFKA_BROKERS, TOPIC_REPLICATION (1)
  asyncapi           prints the AsyncAPI 3.0 document
`

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

const catalogueTable = () =>
  table([
    ['topic', 'key', 'partitions', 'cleanup', 'retention', 'records', 'writers', 'readers'],
    ...Object.values<Topic>(topics).map((topic) => [
      topic.name,
      topic.key,
      String(topic.partitions),
      topic.cleanup,
      keptFor(topic),
      topic.records.join(', ') || 'as they were',
      topic.writers.join(', '),
      topic.readers.join(', '),
    ]),
  ])

async function createFromEnvironment(): Promise<string> {
  const brokers = kafkaBrokers()
  const options = { replication: replication() }
  try {
    return table((await createTopics(brokers, options)).map(({ name, outcome }) => [outcome, name]))
  } catch (error) {
    throw new Error(`KAFKA_BROKERS (${brokers.join(', ')}): ${messageOf(error)}`, { cause: error })
  }
}

async function withRegistry(ask: (url: string) => Promise<string>): Promise<string> {
  const url = registryUrl()
  try {
    return await ask(url)
  } catch (error) {
    throw new Error(`SCHEMA_REGISTRY_URL: ${messageOf(error)}`, { cause: error })
  }
}

/** Gives what to print. @throws Error whose message is all that the user needs. */
export function run(args: readonly string[]): string | Promise<string> {
  const call = args.join(' ')
  switch (call) {
    case 'check': {
      const problems = [...schemaVersions.values()].flatMap(checkCompatibility)
      if (problems.length > 0) throw new Error(problems.join('\n'))
      return table(
        [...schemaVersions].map(([name, versions]) => [name, `v1 to v${versions.length}`, 'compatible']),
      )
    }
    case 'register':
      return withRegistry(async (url) =>
        table([
          ['id', 'version', 'subject'],
          ...(await registerSchemas(url)).map(({ id, version, subject }) => [
            String(id),
            `v${version}`,
            subject,
          ]),
        ]),
      )
    case 'diff':
      return withRegistry(async (url) => {
        const lines = await diffSchemas(url)
        return lines.length > 0 ? `${lines.join('\n')}\n` : 'the registry agrees with the files\n'
      })
    case 'topics':
      return catalogueTable()
    case 'topics --create':
      return createFromEnvironment()
    case 'asyncapi':
      return `${JSON.stringify(asyncapi(), null, 2)}\n`
    default:
      throw new SettingError(`${call ? `unknown command: ${call}\n\n` : ''}${usage.trimEnd()}`)
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
