import type { Admin as KafkaJsAdmin } from 'kafkajs'
import { messageOf } from '../log/index.ts'
import { type Client } from './client.ts'
import { pause, within } from './timing.ts'
import { type Admin, type GroupState, type OffsetRange } from './types.ts'

const requestTimeoutMs = 5000

const says = (types: readonly string[], error: unknown): boolean =>
  error instanceof Error &&
  (('type' in error && types.includes(String(error.type))) || says(types, error.cause))

/** What a broker says that is starting, or that a partition has just been given to. */
const notLed = ['LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION']
/** What it may also say of a topic that was created a moment ago. */
const notYetKnown = [...notLed, 'UNKNOWN_TOPIC_OR_PARTITION']

/** Asks again while it is told one of these, which kafkajs takes for failures. Whoever asks limits the time. */
const passing = async <T>(types: readonly string[], question: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await question()
    } catch (error) {
      if (!says(types, error)) throw error
      await pause(50)
    }
  }
}

/**
 * A connection a question: there are few, and kafkajs' admin remembers every topic it was asked about and fails for all
 * of them when one is deleted.
 */
export function createAdmin(openClient: (requestTimeoutMs: number) => Client): Admin {
  async function ask<T>(question: (admin: KafkaJsAdmin) => Promise<T>): Promise<T> {
    const client = openClient(requestTimeoutMs)
    try {
      const admin = client.kafka.admin({ retry: { retries: 3 } })
      const answer = admin.connect().then(() => question(admin))
      return await within(answer, 4 * requestTimeoutMs, 'an administrative request')
    } finally {
      client.destroy()
    }
  }

  const range = async (admin: KafkaJsAdmin, topic: string): Promise<OffsetRange[]> => {
    const partitions = await passing(notLed, () => admin.fetchTopicOffsets(topic))
    return partitions
      .sort((a, b) => a.partition - b.partition)
      .map(({ high, low }) => ({ first: Number(low), end: Number(high) }))
  }

  const committed = async (admin: KafkaJsAdmin, groupId: string, topic: string) => {
    const offsets = await admin.fetchOffsets({ groupId, topics: [topic] })
    return offsets
      .flatMap(({ partitions }) => partitions)
      .sort((a, b) => a.partition - b.partition)
      .map(({ offset }) => (Number(offset) < 0 ? undefined : Number(offset)))
  }

  // One after the other: kafkajs hangs a listener more on its socket for each that waits for the connection.
  const ranges = async (admin: KafkaJsAdmin, topics: Iterable<string>) => {
    const existing = new Set(await admin.listTopics())
    const found = new Map<string, readonly OffsetRange[]>()
    for (const topic of topics) if (existing.has(topic)) found.set(topic, await range(admin, topic))
    return found
  }

  /** What is left to commit; a partition without a commit counts from its first record. */
  const behind = (from: readonly (number | undefined)[], held: readonly OffsetRange[]): number =>
    held.reduce(
      (lag, { first, end }, partition) => lag + Math.max(0, end - Math.max(first, from[partition] ?? first)),
      0,
    )

  const groups = async (admin: KafkaJsAdmin): Promise<GroupState[]> => {
    const ids = (await admin.listGroups()).groups.map(({ groupId }) => groupId)
    const { groups: described } = await admin.describeGroups(ids)
    const states: (Omit<GroupState, 'topics'> & { committed: Map<string, number[]> })[] = []
    for (const { groupId, state, members } of described) {
      const committed = new Map<string, number[]>()
      for (const { topic, partitions } of await admin.fetchOffsets({ groupId })) {
        const from: number[] = []
        for (const { partition, offset } of partitions) from[partition] = Number(offset)
        committed.set(topic, from)
      }
      states.push({ group: groupId, state, members: members.length, committed })
    }
    // The ends are asked for last, so that a lag is never below what it was at one moment.
    const read = new Set(states.flatMap(({ committed }) => [...committed.keys()]).sort())
    const held = [...(await ranges(admin, read))]
    return states
      .map(({ committed, ...state }) => ({
        ...state,
        topics: held.flatMap(([topic, range]) => {
          const from = committed.get(topic)
          return from === undefined ? [] : [{ topic, lag: behind(from, range) }]
        }),
      }))
      .sort((a, b) => (a.group < b.group ? -1 : 1))
  }

  return {
    createTopics: (topics) =>
      ask(async (admin) => {
        const existing = new Set(await admin.listTopics())
        const missing = topics.filter(({ name }) => !existing.has(name))
        if (missing.length === 0) return []
        await admin.createTopics({
          waitForLeaders: false,
          topics: missing.map(({ name, partitions, replication, config }) => ({
            topic: name,
            numPartitions: partitions,
            replicationFactor: replication,
            configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
          })),
        })
        const created = missing.map(({ name }) => name)
        for (const topic of created) await passing(notYetKnown, () => admin.fetchTopicOffsets(topic))
        return created
      }),
    deleteTopics: (names) =>
      ask(async (admin) => {
        const existing = new Set(await admin.listTopics())
        const topics = names.filter((name) => existing.has(name))
        if (topics.length > 0) await admin.deleteTopics({ topics })
      }),
    listTopics: () =>
      ask(async (admin) => (await admin.listTopics()).filter((name) => !name.startsWith('__')).sort()),
    endOffsets: (topic) => ask(async (admin) => (await range(admin, topic)).map(({ end }) => end)),
    offsetRanges: (topic) => ask((admin) => range(admin, topic)),
    offsetsAt: (topic, time) =>
      ask(async (admin) =>
        (await passing(notLed, () => admin.fetchTopicOffsetsByTimestamp(topic, time)))
          .sort((a, b) => a.partition - b.partition)
          .map(({ offset }) => Number(offset)),
      ),
    rangesOf: (topics) => ask((admin) => ranges(admin, topics)),
    groups: () => ask(groups),
    committedOffsets: (groupId, topic) => ask((admin) => committed(admin, groupId, topic)),
    lag: (groupId, topics) =>
      ask(async (admin) => {
        let lag = 0
        for (const topic of topics) {
          // The ends are asked for last, so that the difference is never below what it was at one moment.
          const from = await committed(admin, groupId, topic)
          lag += behind(from, await range(admin, topic))
        }
        return lag
      }),
    deleteGroups: (groupIds) =>
      ask(async (admin) => {
        const { groups } = await admin.listGroups()
        const existing = groupIds.filter((id) => groups.some(({ groupId }) => groupId === id))
        if (existing.length > 0) await admin.deleteGroups(existing)
      }),
    check: () =>
      within(
        ask((admin) => admin.describeCluster()),
        3000,
        'asking the broker',
      ).then(() => undefined, messageOf),
  }
}
