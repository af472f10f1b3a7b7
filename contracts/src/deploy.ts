import { RestError } from '@confluentinc/schemaregistry/dist/rest-error.js'
import { Compatibility } from '@confluentinc/schemaregistry/dist/schemaregistry-client.js'
import kafkajs, { type Admin } from 'kafkajs'
import { setTimeout as delay } from 'node:timers/promises'
import { openRegistry, refuseAnswer, saysNoSubject, unavailable } from './registry.ts'
import { versionsOf } from './schemas.ts'
import { forever, subjectOf, topics, type Topic } from './topics.ts'

export { checkCompatibility } from './compatibility.ts'

/** A version of a schema as the registry knows it. */
export interface RegisteredSchema {
  subject: string
  version: number
  id: number
}

const subjects = Object.values<Topic>(topics).flatMap((topic) =>
  topic.records.map((record) => ({ subject: subjectOf(topic, record), versions: versionsOf(record) })),
)

/** Of two who register at once Apicurio refuses one, since the other has just made the rule: then it is there to be changed. */
const setCompatibility = async (
  registry: ReturnType<typeof openRegistry>,
  subject: string,
): Promise<void> => {
  const set = () => registry.updateCompatibility(subject, Compatibility.FULL_TRANSITIVE)
  await set().catch((error: unknown) => {
    if (error instanceof RestError && error.status === 409) return set()
    throw error
  })
}

/**
 * Registers every version of every record in the catalogue, oldest first, each subject FULL_TRANSITIVE before its
 * first schema. Can be repeated.
 * Rejects with RegistryUnavailable, or an Error that names the schema that the registry refuses.
 */
export async function registerSchemas(registryUrl: string): Promise<RegisteredSchema[]> {
  const registry = openRegistry(registryUrl)
  const registered: RegisteredSchema[] = []
  for (const { subject, versions } of subjects) {
    try {
      await setCompatibility(registry, subject)
      for (const { version, text } of versions) {
        const id: unknown = await registry.register(subject, { schema: text, schemaType: 'AVRO' })
        registered.push({ subject, version, id: typeof id === 'number' ? id : refuseAnswer(registry) })
      }
    } catch (error) {
      if (error instanceof RestError && (error.status === 409 || error.status === 422))
        throw new Error(`the registry refuses a schema of ${subject}: ${error.message}`, { cause: error })
      throw unavailable(registryUrl, error)
    }
  }
  return registered
}

/** JSON with sorted keys: a registry may give a schema back with its keys in another order. */
function canonical(schema: string): string {
  return JSON.stringify(JSON.parse(schema), (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

/**
 * What the registry lacks and what it holds otherwise, one line each; none when it agrees with the files.
 * Rejects with RegistryUnavailable.
 */
export async function diffSchemas(registryUrl: string): Promise<string[]> {
  const registry = openRegistry(registryUrl)
  const lines: string[] = []
  for (const { subject, versions } of subjects) {
    try {
      const registered = await registry.getAllVersions(subject).catch((error: unknown) => {
        if (saysNoSubject(error)) return []
        throw error
      })
      const theirs = new Map<string, number>()
      for (const version of registered)
        theirs.set(canonical((await registry.getSchemaMetadata(subject, version)).schema), version)
      for (const { version, text } of versions)
        if (!theirs.delete(canonical(text))) lines.push(`new      ${subject} v${version}`)
      for (const version of theirs.values())
        lines.push(`differs  ${subject}: the registry's version ${version} is none of ours`)
    } catch (error) {
      throw unavailable(registryUrl, error)
    }
  }
  return lines
}

const configOf = (topic: Topic, replication: number): Record<string, string> => ({
  'cleanup.policy': topic.cleanup,
  'retention.ms': String(topic.retentionMs),
  // Kafka deletes closed segments only and closes one after a week: bodies would stay up to that much longer.
  ...(topic.retentionMs !== forever && { 'segment.ms': String(Math.round(topic.retentionMs / 4)) }),
  'min.insync.replicas': String(replication >= 3 ? 2 : 1),
  ...(topic.maxMessageBytes !== undefined && { 'max.message.bytes': String(topic.maxMessageBytes) }),
})

/** What createTopics did to a topic. */
export interface TopicOutcome {
  name: string
  outcome: 'created' | 'configured' | 'unchanged'
}

const { ConfigResourceTypes, ConfigSource, Kafka, KafkaJSAggregateError, logLevel } = kafkajs

// kafkajs has only the call that replaces all of a topic's settings: what operators set besides ours is sent along.
async function configure(admin: Admin, name: string, wanted: Record<string, string>): Promise<boolean> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name }],
  })
  const set = (resources[0]?.configEntries ?? []).filter(
    (entry) => entry.configSource === ConfigSource.TOPIC_CONFIG,
  )
  const current = Object.fromEntries(set.map((entry) => [entry.configName, entry.configValue]))
  if (Object.entries(wanted).every(([key, value]) => current[key] === value)) return false
  const configEntries = Object.entries({ ...current, ...wanted }).map(([key, value]) => ({
    name: key,
    value,
  }))
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }],
  })
  return true
}

/** Fails before anything is changed. */
async function checkPartitions(admin: Admin, existing: readonly Topic[]): Promise<void> {
  if (existing.length === 0) return
  const metadata = await admin.fetchTopicMetadata({ topics: existing.map(({ name }) => name) })
  for (const { name, partitions } of existing) {
    const found = metadata.topics.find((topic) => topic.name === name)?.partitions.length
    if (found !== partitions)
      throw new Error(
        `topic ${name} has ${String(found)} partitions, the catalogue says ${partitions}: partitions are never changed, ` +
          'since keys would move and lose their order',
      )
  }
}

const leaderPatienceMs = 30_000

/**
 * Waits until the broker that answers knows of the topics and who leads them, which comes a moment after they were created.
 * kafkajs waits for leaders too, but takes a broker that has not heard of the topic yet for a failure.
 */
async function waitForLeaders(admin: Admin, names: readonly string[]): Promise<void> {
  const deadline = Date.now() + leaderPatienceMs
  for (;;) {
    const known = await admin.fetchTopicMetadata({ topics: [...names] }).catch((error: unknown) => {
      if (Date.now() > deadline) throw error
      return undefined
    })
    if (known?.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return
    if (Date.now() > deadline)
      throw new Error(`no leader after ${leaderPatienceMs / 1000} s: ${names.join(', ')}`)
    await delay(50)
  }
}

/**
 * Creates the catalogue's topics where missing, and gives all of them the catalogue's settings. Can be repeated.
 * Rejects with an Error when a topic has another number of partitions, before anything is changed, and with kafkajs's
 * own errors when the brokers can't be reached or refuse.
 */
export async function createTopics(
  brokers: readonly string[],
  options: { replication: number; topics?: readonly Topic[] },
): Promise<TopicOutcome[]> {
  const catalogue = options.topics ?? Object.values<Topic>(topics)
  const admin = new Kafka({
    clientId: 'contracts',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    // Whoever waits for an answer would rather hear after two seconds than after ten that no broker is there.
    retry: { retries: 3 },
  }).admin()
  await admin.connect()
  try {
    const names = new Set(await admin.listTopics())
    const existing = catalogue.filter(({ name }) => names.has(name))
    const missing = catalogue.filter(({ name }) => !names.has(name))
    await checkPartitions(admin, existing)
    if (missing.length > 0) {
      await admin.createTopics({
        waitForLeaders: false,
        topics: missing.map((topic) => ({
          topic: topic.name,
          numPartitions: topic.partitions,
          replicationFactor: options.replication,
          configEntries: Object.entries(configOf(topic, options.replication)).map(([name, value]) => ({
            name,
            value,
          })),
        })),
      })
      await waitForLeaders(
        admin,
        missing.map(({ name }) => name),
      )
    }
    const outcomes: TopicOutcome[] = missing.map(({ name }) => ({ name, outcome: 'created' }))
    for (const topic of existing) {
      const changed = await configure(admin, topic.name, configOf(topic, options.replication))
      outcomes.push({ name: topic.name, outcome: changed ? 'configured' : 'unchanged' })
    }
    return outcomes
  } catch (error) {
    if (error instanceof KafkaJSAggregateError)
      throw new Error(error.errors.map(String).join('; '), { cause: error })
    throw error
  } finally {
    await admin.disconnect()
  }
}
