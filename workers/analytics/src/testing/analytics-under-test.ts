import { randomUUID } from 'node:crypto'
import {
  type Codec,
  connectCodec,
  deadLetterTopic,
  type ListeningReported,
  type RecordOf,
  toHeaders,
  topics,
} from '@veza/contracts'
import { createHealth } from '@veza/kit/internal'
import { connectKafka, type Kafka, type Producer } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import {
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  type TestTelemetry,
  testTelemetry,
} from '@veza/kit/testing'
import { migrateStreams } from '@veza/streams/migrate'
import { type AnalyticsDatabase } from '@veza/streams/store'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { openAnalytics } from '../index.ts'
import { type AnalyticsTopic } from '../projection.ts'
import { fixSalts, idOf, reportsOf } from './listening.ts'

/** The worker on real parts, with topics, a group and counts of each test's own. */

export const log = createLog('test', 'silent')
export const waitMs = 40_000
export const hour = 3_600_000
/** What the worker reads must be of late: Kafka's clock is not the test's. */
export const recently = Math.floor(Date.now() / hour) * hour - hour

export let kafka: Kafka
export let codec: Codec
export let producer: Producer
let telemetry: TestTelemetry

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
    codec = await connectCodec(schemaRegistryUrl)
    kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
    telemetry = testTelemetry()
  })

  afterAll(async () => {
    await kafka.close()
    await telemetry.close()
  })
}

export const counts = async () => {
  const fresh = await freshDatabase()
  await migrateStreams(fresh.url)
  const database = openDatabase<AnalyticsDatabase>(fresh.url, { applicationName: 'test', poolSize: 4, log })
  onTestFinished(async () => {
    await database.close()
    await fresh.drop()
  })
  const today = Math.floor(recently / (24 * hour))
  await fixSalts(database.db, [today - 1, today, today + 1])
  const settings = {
    ...{ STREAMS_DATABASE_URL: fresh.url, ANALYTICS_CHUNK: 100 },
    ...{ ANALYTICS_PUBLISH_EVERY: 50, ANALYTICS_SALTS_KEPT: 31 * 24 * hour },
  }
  return { database, settings }
}

/** Topics of one test's own, under the names of the catalogue's records. */
export const sources = async () => {
  // A producer asks for all topics that it knows: those of the tests before are gone.
  producer = kafka.producer()
  onTestFinished(() => producer.close())
  const listening = await freshTopic({ prefix: 'listening', partitions: 3 })
  const chat = await freshTopic({ prefix: 'chat', partitions: 3 })
  onTestFinished(async () => {
    await listening.drop()
    await chat.drop()
  })
  return [
    { ...topics.listeningEvents, name: listening.name },
    { ...topics.chatEvents, name: chat.name },
  ] as unknown as readonly [typeof topics.listeningEvents, typeof topics.chatEvents]
}

export const run = async (
  settings: Awaited<ReturnType<typeof counts>>['settings'],
  own: readonly AnalyticsTopic[],
  name = freshGroup('analytics'),
) => {
  const fail = (error: unknown) => {
    throw error
  }
  const common = { kafka, codec, health: createHealth(), telemetry, log, fail }
  await kafka.admin.createTopics([{ name: deadLetterTopic(name), partitions: 1, replication: 1, config: {} }])
  onTestFinished(() => kafka.admin.deleteTopics([deadLetterTopic(name)]))
  const worker = await openAnalytics(settings, common, { name, sources: own })
  onTestFinished(() => worker.stop())
  return worker
}

export const sendReports = (name: string, reports: readonly ListeningReported[], key?: string) =>
  producer.sendAll(
    reports.map((report) => ({
      topic: name,
      key: key ?? report.trackId,
      value: codec.encode(topics.listeningEvents, 'ListeningReported', report),
      headers: toHeaders({
        ...{ id: randomUUID(), type: 'ListeningReported', source: '/streams', time: report.reportedAt },
      }),
    })),
  )

export const sendChat = (name: string, events: readonly RecordOf<typeof topics.chatEvents>[]) =>
  producer.sendAll(
    events.map(({ type, value }) => ({
      topic: name,
      key: value.roomId,
      value: codec.encode(topics.chatEvents, type, value),
      headers: toHeaders({ id: randomUUID(), type, source: '/chat-fanout', time: recently }),
    })),
  )

/** People who each hear some tracks, one after the other. */
export const audience = (people: number, tracks: readonly string[]): ListeningReported[] =>
  Array.from({ length: people }, (_, n) =>
    [0, 1, 2].flatMap((nth) =>
      reportsOf({
        ...{ listener: idOf('user', n), track: tracks[(n + nth) % tracks.length] ?? '' },
        ...{ owner: idOf('owne', 1), address: idOf('addr', n), session: n },
        ...{ startedAt: recently + n * 100 + nth * 180_000, seconds: 20 + ((n * 7 + nth) % 60) },
      }),
    ),
  ).flat()
