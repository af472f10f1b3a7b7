import { deadLetterTopic } from '@veza/contracts'
import { type ConsumedRecord, headerOf, type Kafka } from '../kafka/index.ts'

/** Which one: the group that could not handle it, and where it lies in the group's dead-letter topic. */
export interface DeadLetterId {
  readonly group: string
  readonly partition: number
  readonly offset: number
}

/** A record that a consumer group could not handle, as the headers of its dead-letter topic tell it. */
export interface DeadLetter extends DeadLetterId {
  /** When it was laid there, epoch milliseconds. */
  readonly at: number
  /** Where it was read. */
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number }
  /** ce_type and ce_id; undefined where the writer set none. */
  readonly type: string | undefined
  readonly eventId: string | undefined
  readonly errorClass: string
  readonly reason: string
  /** How often it was handled. 0 = it could not be read. */
  readonly attempts: number
  /** Bytes of its value; 0 for a tombstone. */
  readonly size: number
  /** As it lies there. */
  readonly record: ConsumedRecord
}

const toDeadLetter = (group: string, record: ConsumedRecord): DeadLetter => ({
  ...{ group, partition: record.partition, offset: record.offset, at: record.timestamp, record },
  source: {
    topic: headerOf(record, 'dlq_original_topic') ?? '',
    partition: Number(headerOf(record, 'dlq_original_partition') ?? -1),
    offset: Number(headerOf(record, 'dlq_original_offset') ?? -1),
  },
  type: headerOf(record, 'ce_type'),
  eventId: headerOf(record, 'ce_id'),
  errorClass: headerOf(record, 'dlq_exception_class') ?? '',
  reason: headerOf(record, 'dlq_exception_message') ?? '',
  attempts: Number(headerOf(record, 'dlq_attempts') ?? 0),
  size: record.value?.length ?? 0,
})

/** What of a partition is to be read: from an offset to before another one. */
interface Stretch {
  readonly from: number
  readonly to: number
}

const giveUpAfterMs = 10_000

/** Reads stretches, by `<topic>/<partition>`, which hold records. Rejects when Kafka does not give them in 10 s. */
const readStretches = async (
  kafka: Kafka,
  topics: readonly string[],
  stretches: ReadonlyMap<string, Stretch>,
): Promise<ConsumedRecord[]> => {
  const read: ConsumedRecord[] = []
  const waiting = new Map(stretches)
  if (waiting.size === 0) return read
  let finish: () => void = () => undefined
  const all = new Promise<void>((resolve) => (finish = resolve))
  const onRecords = (records: readonly ConsumedRecord[]): void => {
    for (const record of records) {
      const place = `${record.topic}/${record.partition}`
      const stretch = stretches.get(place)
      if (stretch === undefined) continue
      if (record.offset < stretch.to) read.push(record)
      if (record.offset >= stretch.to - 1) waiting.delete(place)
    }
    if (waiting.size === 0) finish()
  }
  const from = new Map(Array.from(stretches, ([place, stretch]) => [place, stretch.from]))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the dead letters were not read in ${giveUpAfterMs} ms`))
    }, giveUpAfterMs)
  })
  const consuming = kafka.consume({ topics, from, onRecords })
  try {
    await Promise.race([Promise.all([consuming, all]), late])
    return read
  } finally {
    clearTimeout(timer)
    void consuming.then((consumer) => consumer.stop()).catch(() => undefined)
  }
}

/**
 * The newest dead letters of groups, newest first.
 *
 * @param groups that have a dead-letter topic
 * @param newest of each partition at most so many are looked at
 */
export const readDeadLetters = async (
  kafka: Kafka,
  groups: readonly string[],
  newest: number,
): Promise<DeadLetter[]> => {
  const byTopic = new Map(groups.map((group) => [deadLetterTopic(group), group]))
  const stretches = new Map<string, Stretch>()
  const ranges = await kafka.admin.rangesOf([...byTopic.keys()])
  for (const [topic, partitions] of ranges)
    for (const [partition, { first, end }] of partitions.entries())
      if (end > first)
        stretches.set(`${topic}/${partition}`, { from: Math.max(first, end - newest), to: end })
  const full = [...ranges].filter(([, partitions]) => partitions.some(({ first, end }) => end > first))
  const topics = full.map(([topic]) => topic)
  const records = await readStretches(kafka, topics, stretches)
  return records
    .map((record) => toDeadLetter(byTopic.get(record.topic) ?? '', record))
    .sort((a, b) => b.at - a.at || b.offset - a.offset)
}

/** One of them; undefined: there is none, or its time there is over. */
export const findDeadLetter = async (
  kafka: Kafka,
  { group, partition, offset }: DeadLetterId,
): Promise<DeadLetter | undefined> => {
  const topic = deadLetterTopic(group)
  const range = (await kafka.admin.rangesOf([topic])).get(topic)?.[partition]
  if (range === undefined || offset < range.first || offset >= range.end) return undefined
  const stretch = { from: offset, to: offset + 1 }
  const [record] = await readStretches(kafka, [topic], new Map([[`${topic}/${partition}`, stretch]]))
  return record && toDeadLetter(group, record)
}
