import { randomUUID } from 'node:crypto'
import { type Codec, type Topic } from '@veza/contracts'
import { type Kysely, sql } from 'kysely'
import { type Connection } from '../events/index.ts'
import { type ConsumedRecord, type Kafka, pause } from '../kafka/index.ts'
import { decodeChunk } from '../worker/decode.ts'
import { projectChunk, type Projection } from './project.ts'
import { createModel, dropModel, nextSchema, tablesOf } from './schema.ts'

/** How far a replay is. */
export interface ReplayProgress {
  /** Records read of those that were there when it began. */
  readonly read: number
  readonly total: number
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
  /** How often a chunk may fail in a row before the replay is given up. Default 8: as long as a database takes to restart. */
  readonly attempts?: number
}

/** By topic and partition. */
type Offsets = ReadonlyMap<string, number>

const endsOf = async (kafka: Kafka, topics: readonly Topic[]): Promise<Offsets> => {
  const ends = new Map<string, number>()
  for (const { name } of topics)
    (await kafka.admin.endOffsets(name)).forEach((end, partition) => ends.set(`${name}/${partition}`, end))
  return ends
}

const offsetsOf = async <DB>(db: Kysely<DB>, schema: string): Promise<Offsets> => {
  const { rows } = await sql<{ topic: string; partition: number; next_offset: number }>`
    select topic, partition, next_offset from ${tablesOf(schema).checkpoints}`.execute(db)
  return new Map(rows.map((row) => [`${row.topic}/${row.partition}`, row.next_offset]))
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

/**
 * Rebuilds a read model from its topics beside the live one, which stays in use and current meanwhile, and swaps the two
 * when the new one has caught up. A chunk that fails comes again. Rejects when one goes on failing, or it is aborted; the
 * live model is then as it was.
 */
export const replay = async <T extends Topic, DB>(
  projection: Projection<T, DB>,
  db: Kysely<DB>,
  options: ReplayOptions,
): Promise<ReplayProgress> => {
  const { kafka, codec, from = 0, onProgress, signal, maxChunkRecords = 10_000, attempts = 8 } = options
  const { schema } = projection
  const next = nextSchema(schema)
  await createModel(db, projection, schema)
  await dropModel(db, next)
  await createModel(db, projection, next)
  const goal = await endsOf(kafka, projection.topics)
  const total = [...goal.values()].reduce((sum, end) => sum + end, 0)
  const topics = new Map(projection.topics.map((topic) => [topic.name, topic]))
  const reached = new Map<string, number>()
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
  const groupId = `${projection.name}-replay-${randomUUID()}`
  const consumer = await kafka.consume({
    ...{ groupId, topics: [...topics.keys()], fromBeginning: true, maxChunkRecords },
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
    for (let tellAt = 0; ;) {
      signal?.throwIfAborted()
      if (failures >= attempts)
        throw failure instanceof Error ? failure : new Error('the replay failed', { cause: failure })
      if (Date.now() >= tellAt) {
        onProgress?.({ read, total })
        tellAt = Date.now() + 1_000
      }
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
