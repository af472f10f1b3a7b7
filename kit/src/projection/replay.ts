import { randomUUID } from 'node:crypto'
import { type Codec, type Topic } from '@veza/contracts'
import { type Kysely, sql } from 'kysely'
import { type Connection } from '../events/index.ts'
import { backoff, type ConsumedRecord, type Kafka, type OffsetRange, pause } from '../kafka/index.ts'
import { decodeChunk } from '../worker/decode.ts'
import { type Message } from '../worker/types.ts'
import { projectChunk, type Projection } from './project.ts'
import { createModel, dropModel, nextSchema, tablesOf } from './schema.ts'

/** How far a replay is. */
export interface ReplayProgress {
  /** Records read of those that were there when it began. */
  readonly read: number
  readonly total: number
}

/** Events that are read before the topics are, from elsewhere: such as what a topic held before it expired. */
export interface ReplayBefore<T extends Topic, DB> {
  /** Takes them in, in the place of the topics' own. */
  readonly projection: Projection<T, DB>
  /** By topic, how far they come in each partition: the topic is read from there on. */
  readonly ends: Readonly<Record<string, readonly number[]>>
  /** How many there are. */
  readonly total: number
  /** Each partition's in order. */
  readonly chunks: () => AsyncIterable<readonly Message<T>[]>
}

export interface ReplayOptions {
  readonly kafka: Kafka
  readonly codec: Codec
  /** Events that Kafka got before this are left out, epoch milliseconds. */
  readonly from?: number
  /**
   * Brings over what the topics do not tell any more, from the live schema into the rebuilt one, just before the swap and
   * in its transaction: the live worker stands still.
   */
  readonly carryOver?: (trx: Connection, live: string, rebuilt: string) => Promise<void>
  /** Told about once a second. */
  readonly onProgress?: (progress: ReplayProgress) => void
  readonly signal?: AbortSignal
  /** Default 10,000, in at most 4 MiB: what comes of a key in one chunk is written once. */
  readonly maxChunkRecords?: number
  /** Chunks that are under way, of other partitions each: see GroupOptions of kit/kafka. Default 1. */
  readonly chunksAtOnce?: number
  /** How often a chunk may fail in a row before the replay is given up. Default 8: as long as a database takes to restart. */
  readonly attempts?: number
}

/** By topic and partition. */
type Offsets = ReadonlyMap<string, number>

const byPlace = (offsets: Readonly<Record<string, readonly number[]>>): Offsets =>
  new Map(
    Object.entries(offsets).flatMap(([topic, partitions]) =>
      partitions.map((offset, partition) => [`${topic}/${partition}`, offset] as const),
    ),
  )

const offsetsOf = async <DB>(db: Kysely<DB>, schema: string): Promise<Offsets> => {
  const { rows } = await sql<{ topic: string; partition: number; next_offset: number }>`
    select topic, partition, next_offset from ${tablesOf(schema).checkpoints}`.execute(db)
  return new Map(rows.map((row) => [`${row.topic}/${row.partition}`, row.next_offset]))
}

/**
 * Where the topics are to be read from, by topic.
 * @throws Error when records are neither in what was read before nor in the topic any more
 */
export const startsOf = (
  ranges: Readonly<Record<string, readonly OffsetRange[]>>,
  ends: Readonly<Record<string, readonly number[]>>,
): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(ranges).map(([topic, partitions]) => [
      topic,
      partitions.map(({ first, end }, partition) => {
        const from = ends[topic]?.[partition]
        if (from !== undefined && from < first)
          throw new Error(`${topic}: records ${from} to ${first - 1} of partition ${partition} are gone`)
        if (from !== undefined && from > end)
          throw new Error(
            `${topic}: partition ${partition} ends at ${end}, before ${from}: it is another topic`,
          )
        return from ?? first
      }),
    ]),
  )

const rangesOf = async (kafka: Kafka, topics: readonly Topic[]): Promise<Record<string, OffsetRange[]>> => {
  const ranges: Record<string, OffsetRange[]> = {}
  for (const { name } of topics) ranges[name] = await kafka.admin.offsetRanges(name)
  return ranges
}

const isBehind = (reached: Offsets, wanted: Offsets): boolean =>
  [...wanted].some(([partition, offset]) => (reached.get(partition) ?? 0) < offset)

/**
 * Puts the rebuilt model in the place of the live one if it has come at least as far. The lock stops the live worker
 * between two chunks for a moment; readers that are under way finish on the old tables.
 */
const swap = <DB>(db: Kysely<DB>, schema: string, carryOver: ReplayOptions['carryOver']): Promise<boolean> =>
  db.transaction().execute(async (trx) => {
    const next = nextSchema(schema)
    await sql`lock table ${tablesOf(schema).checkpoints} in access exclusive mode`.execute(trx)
    if (isBehind(await offsetsOf(trx, next), await offsetsOf(trx, schema))) return false
    await carryOver?.(trx, schema, next)
    const old = `${schema}_old`
    await dropModel(trx, old)
    await sql`alter schema ${sql.id(schema)} rename to ${sql.id(old)}`.execute(trx)
    await sql`alter schema ${sql.id(next)} rename to ${sql.id(schema)}`.execute(trx)
    return true
  })

/** About once a second. */
const progressTeller = (onProgress: ReplayOptions['onProgress']) => {
  let tellAt = 0
  return (progress: ReplayProgress): void => {
    if (Date.now() < tellAt) return
    onProgress?.(progress)
    tellAt = Date.now() + 1_000
  }
}

/**
 * Rebuilds a read model from its topics beside the live one, which stays in use and current meanwhile, and swaps the two
 * when the new one has caught up. A chunk that fails comes again. Rejects when one goes on failing, or it is aborted; the
 * live model is then as it was.
 */
export const replay = async <T extends Topic, DB>(
  projection: Projection<T, DB>,
  db: Kysely<DB>,
  options: ReplayOptions & { readonly before?: ReplayBefore<T, DB> | undefined },
): Promise<ReplayProgress> => {
  const {
    kafka,
    codec,
    from = 0,
    onProgress,
    signal,
    maxChunkRecords = 10_000,
    chunksAtOnce = 1,
    attempts = 8,
    before,
  } = options
  const { schema } = projection
  const next = nextSchema(schema)
  await createModel(db, projection, schema)
  await dropModel(db, next)
  await createModel(db, projection, next)
  const ranges = await rangesOf(kafka, projection.topics)
  const starts = startsOf(ranges, before?.ends ?? {})
  const goal = byPlace(
    Object.fromEntries(Object.entries(ranges).map(([topic, all]) => [topic, all.map(({ end }) => end)])),
  )
  const started = byPlace(starts)
  const total = [...goal].reduce(
    (sum, [place, end]) => sum + end - (started.get(place) ?? 0),
    before?.total ?? 0,
  )
  const topics = new Map(projection.topics.map((topic) => [topic.name, topic]))
  const reached = new Map(started)
  let [swapping, read, failures, failure] = [false, 0, 0, undefined as unknown]

  const onChunk = async (records: ConsumedRecord[]): Promise<void> => {
    // What comes once the swap began belongs to the live worker.
    if (swapping) return
    const { messages } = await decodeChunk(codec, topics, records)
    const wanted = messages.filter(({ record }) => record.timestamp >= from)
    if (wanted.length > 0) await projectChunk(db, projection, wanted, next)
    for (const { topic, partition, offset } of records) reached.set(`${topic}/${partition}`, offset + 1)
    read += records.length
  }
  const tell = progressTeller(onProgress)
  try {
    if (before) await readBefore(before)
  } catch (error) {
    await dropModel(db, next)
    throw error
  }
  // Meanwhile the topic may have lost what was to be read from it.
  const startAt = startsOf(await rangesOf(kafka, projection.topics), starts)
  const groupId = `${projection.name}-replay-${randomUUID()}`
  const consumer = await kafka.consume({
    ...{ groupId, topics: [...topics.keys()], fromBeginning: true, startAt, maxChunkRecords },
    chunksAtOnce,
    async onChunk(records) {
      try {
        await onChunk(records)
        failures = 0
      } catch (error) {
        failures++
        failure = error
        throw error
      }
    },
  })
  try {
    for (;;) {
      signal?.throwIfAborted()
      if (failures >= attempts)
        throw failure instanceof Error ? failure : new Error('the replay failed', { cause: failure })
      tell({ read, total })
      if (!isBehind(reached, goal)) {
        if (await swapWhenLevel()) return { read, total }
      }
      await pause(20, signal)
    }
  } finally {
    await consumer.stop()
    await kafka.admin.deleteGroups([groupId]).catch(() => undefined)
    await dropModel(db, swapping ? `${schema}_old` : next)
  }

  async function readBefore({ projection: takesIn, chunks }: ReplayBefore<T, DB>): Promise<void> {
    for await (const messages of chunks()) {
      const wanted = messages.filter(({ record }) => record.timestamp >= from)
      for (let failed = 0; wanted.length > 0;) {
        signal?.throwIfAborted()
        try {
          await projectChunk(db, takesIn, wanted, next)
          break
        } catch (error) {
          if (++failed >= attempts) throw error
          await pause(backoff(failed, 100, 5_000), signal)
        }
      }
      read += messages.length
      tell({ read, total })
    }
  }

  async function swapWhenLevel(): Promise<boolean> {
    await markReached()
    swapping = await swap(db, schema, options.carryOver)
    return swapping
  }

  /** Records that were left out, or were no records, have no checkpoint of their own. */
  async function markReached(): Promise<void> {
    const places = [...reached].map(([place, offset]) => {
      const at = place.lastIndexOf('/')
      return { topic: place.slice(0, at), partition: Number(place.slice(at + 1)), offset }
    })
    const { checkpoints } = tablesOf(next)
    await sql`
      insert into ${checkpoints} as c (topic, partition, next_offset)
      select * from unnest(${places.map(({ topic }) => topic)}::text[], ${places.map(({ partition }) => partition)}::int[],
        ${places.map(({ offset }) => offset)}::bigint[])
      on conflict (topic, partition) do update set next_offset = greatest(c.next_offset, excluded.next_offset)`.execute(
      db,
    )
  }
}
