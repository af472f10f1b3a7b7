import { type ListeningReported, topics } from '@veza/contracts'
import { type ReplayBefore } from '@veza/kit/projection'
import { type Message } from '@veza/kit/worker'
import { type AnalyticsDatabase, type DailyDigests, dayOf } from '@veza/streams/store'
import { sessionStart } from './domain/hearing.ts'
import { type AnalyticsTopic, type analyticsProjection } from './projection.ts'

export type ReportMessage = Message<typeof topics.listeningEvents>

/**
 * Reports that the topic does not have any more, or not for long. Who listened is named as the counts name them, by the day:
 * what a person is called on another day can't be told, and nobody who the person was.
 */
export interface ReportArchive {
  /** The first day (since the Unix epoch, UTC) that it has whole. */
  readonly firstWholeDay: number
  /** Of each partition, how far it comes: the topic is to be read from there on. */
  readonly ends: readonly number[]
  /** How many reports it has. */
  readonly total: number
  /** Each partition's reports in order. */
  readonly read: () => AsyncIterable<readonly ReportMessage[]>
}

/** The listeners' names of the day are in the place of their ids already. */
export const namedAlready: DailyDigests = {
  prepare: () => Promise.resolve(),
  digest: (_day, name) => name,
  forget: () => Promise.resolve(),
}

const dayHeard = ({ sessionId }: ListeningReported, timestamp: number): number =>
  dayOf(sessionStart(sessionId) ?? timestamp)

/** Reports as they are archived: listeners under their names of the day in which the session began. */
export const nameListeners =
  (salts: DailyDigests) =>
  async (messages: readonly ReportMessage[]): Promise<ReportMessage[]> => {
    const days = messages.map(({ value, record }) => dayHeard(value, record.timestamp))
    await salts.prepare(new Set(days))
    return messages.map((message, index) => {
      const { type, value, id, traceparent, record } = message
      const listenerId = salts.digest(days[index] ?? 0, value.listenerId)
      return { type, id, traceparent, record, value: { ...value, listenerId } }
    })
  }

type Projected = ReturnType<typeof analyticsProjection>

/** The archive as what a replay reads before the topics. */
export const readArchive = (
  { ends, total, read }: ReportArchive,
  { topics: sources }: Projected,
  projection: Projected,
): ReplayBefore<AnalyticsTopic, AnalyticsDatabase> => {
  const carries = (source: AnalyticsTopic): boolean =>
    source.records.some((record) => record === 'ListeningReported')
  const topic = sources.find(carries)?.name ?? topics.listeningEvents.name
  async function* chunks(): AsyncIterable<readonly ReportMessage[]> {
    for await (const messages of read())
      yield messages.map((message) => ({ ...message, record: { ...message.record, topic } }))
  }
  return { projection, ends: { [topic]: ends }, total, chunks }
}
