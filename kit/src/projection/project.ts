import { type Topic } from '@veza/contracts'
import { type Kysely, sql } from 'kysely'
import { type Connection } from '../events/index.ts'
import { headerOf } from '../kafka/index.ts'
import { dead, done, type HandleChunk, type Message } from '../worker/index.ts'
import { type ReadModel, tablesOf } from './schema.ts'

/** How events become rows. */
export interface Projection<T extends Topic, DB> extends ReadModel<DB> {
  /** Folder = consumer group = metric label. */
  readonly name: string
  readonly topics: readonly T[]
  /** Why an event can't be taken in, ever: it is dead-lettered, and a replay goes past it. */
  readonly refuse?: (event: Message<T>) => string | undefined
  /**
   * Writes what the events say, in order, none of which it has had before. `db` is the transaction with the model's
   * schema set: use it for every query (raw SQL names tables by `sql.id(schema, 'table')`).
   */
  readonly apply: (db: Kysely<DB>, events: readonly Message<T>[], schema: string) => Promise<void>
}

/** The read model is of another version than the worker: it waits for a replay, or to be replaced. */
export class WrongModelVersion extends Error {
  override readonly name = 'WrongModelVersion'
}

/** The stream and the version in it that a message says it is; undefined where its writer has no streams. */
export const placeOf = ({
  record,
}: Pick<Message<Topic>, 'record'>): { stream: string; version: number } | undefined => {
  const stream = headerOf(record, 'ce_subject')
  if (stream === undefined) return undefined
  const version = Number(headerOf(record, 'ce_sequence'))
  return !Number.isSafeInteger(version) || version < 1 ? undefined : { stream, version }
}

const partitionOf = ({ record }: Pick<Message<Topic>, 'record'>): string =>
  `${record.topic}/${record.partition}`

/** The next offsets of the chunk's partitions, under their row locks: one writer a partition, whoever owns it. */
const lockCheckpoints = async (
  trx: Connection,
  schema: string,
  places: readonly { topic: string; partition: number }[],
): Promise<Map<string, number>> => {
  const { checkpoints } = tablesOf(schema)
  const topics = places.map(({ topic }) => topic)
  const partitions = places.map(({ partition }) => partition)
  const wanted = sql`unnest(${topics}::text[], ${partitions}::int[]) as wanted (topic, partition)`
  await sql`
    insert into ${checkpoints} (topic, partition, next_offset) select topic, partition, 0 from ${wanted}
    order by 1, 2 on conflict do nothing`.execute(trx)
  const { rows } = await sql<{ topic: string; partition: number; next_offset: number }>`
    select topic, partition, next_offset from ${checkpoints} as c join ${wanted} using (topic, partition)
    order by topic, partition for update of c`.execute(trx)
  return new Map(rows.map((row) => [`${row.topic}/${row.partition}`, row.next_offset]))
}

const versionsOf = async (
  trx: Connection,
  schema: string,
  streams: readonly string[],
): Promise<Map<string, number>> => {
  const { rows } = await sql<{ stream: string; version: number }>`
    select stream, version from ${tablesOf(schema).streams} where stream = any(${streams}::text[])`.execute(
    trx,
  )
  return new Map(rows.map(({ stream, version }) => [stream, version]))
}

/** Rejects WrongModelVersion. */
const assertVersion = async (trx: Connection, schema: string, version: number): Promise<void> => {
  const { rows } = await sql<{ version: number }>`select version from ${tablesOf(schema).model}`.execute(trx)
  const found = rows[0]?.version
  if (found !== version)
    throw new WrongModelVersion(
      `the read model ${schema} is of version ${found ?? 'none'}, this worker writes ${version}`,
    )
}

/**
 * Takes a chunk into the model in one transaction with the positions that it came from. So each event has its effect
 * once, whatever is delivered again: records below a partition's offset are skipped, and so are repetitions that the
 * relay wrote at other offsets, known by their stream and version.
 */
export const projectChunk = async <T extends Topic, DB>(
  db: Kysely<DB>,
  { version, apply, refuse }: Projection<T, DB>,
  messages: readonly Message<T>[],
  schema: string,
): Promise<void> => {
  const { checkpoints, streams } = tablesOf(schema)
  const ends = new Map<string, { topic: string; partition: number; next: number }>()
  for (const message of messages) {
    const { topic, partition, offset } = message.record
    const key = partitionOf(message)
    const end = ends.get(key)
    if (end === undefined) ends.set(key, { topic, partition, next: offset + 1 })
    else end.next = offset + 1
  }
  await db.transaction().execute(async (trx) => {
    const next = await lockCheckpoints(trx, schema, [...ends.values()])
    await assertVersion(trx, schema, version)
    const unread = messages.filter(
      (message) =>
        message.record.offset >= (next.get(partitionOf(message)) ?? 0) && refuse?.(message) === undefined,
    )
    const places = unread.map(placeOf)
    const reached = await versionsOf(trx, schema, [
      ...new Set(places.flatMap((place) => place?.stream ?? [])),
    ])
    const grown = new Map<string, number>()
    const fresh = unread.filter((_message, index) => {
      const place = places[index]
      if (place === undefined) return true
      if (place.version <= (grown.get(place.stream) ?? reached.get(place.stream) ?? 0)) return false
      grown.set(place.stream, place.version)
      return true
    })
    if (fresh.length > 0) await apply(trx.withSchema(schema), fresh, schema)
    await sql`
      insert into ${streams} (stream, version)
      select * from unnest(${[...grown.keys()]}::text[], ${[...grown.values()]}::bigint[])
      on conflict (stream) do update set version = excluded.version`.execute(trx)
    const moved = [...ends.values()]
    await sql`
      update ${checkpoints} as c set next_offset = greatest(c.next_offset, moved.next)
      from unnest(${moved.map(({ topic }) => topic)}::text[], ${moved.map(({ partition }) => partition)}::int[],
        ${moved.map((end) => end.next)}::bigint[]) as moved (topic, partition, next)
      where c.topic = moved.topic and c.partition = moved.partition`.execute(trx)
  })
}

/** As runWorker's handler. */
export const projector =
  <T extends Topic, DB>(db: Kysely<DB>, projection: Projection<T, DB>): HandleChunk<T> =>
  async (messages) => {
    await projectChunk(db, projection, messages, projection.schema)
    return messages.map((message) => {
      const reason = projection.refuse?.(message)
      return reason === undefined ? done : dead(reason)
    })
  }
