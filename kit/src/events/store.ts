import { randomUUID } from 'node:crypto'
import { type Codec, decodeStored, type RecordOf, type Topic, writtenVersion } from '@veza/contracts'
import { type RawBuilder, sql } from 'kysely'
import { IdempotencyKeyReused, VersionConflict } from './errors.ts'
import {
  type Appended,
  type AppendOptions,
  type Connection,
  type EventMetadata,
  type StoredEvent,
  type StreamAppend,
} from './types.ts'

/**
 * The events of one topic, in the database that createEventStore prepared. Every function takes the connection to use: the
 * database, or a transaction in which other rows (a read model's, a reservation's) stand or fall with the events.
 */
export interface EventStore<T extends Topic> {
  readonly topic: T
  /**
   * Appends to one stream. Rejects VersionConflict when the stream is not at the expected version; a transaction is of
   * no more use then. Of appends with one idempotency key the first stands, and the others get its answer.
   */
  append(db: Connection, append: StreamAppend<T> & AppendOptions): Promise<Appended>
  /** The same for several streams, all or none, in one statement: thousands of events at once are cheap. */
  appendAll(db: Connection, appends: readonly StreamAppend<T>[], options?: AppendOptions): Promise<Appended[]>
  /** What an idempotency key was answered; undefined = it was not used, or is forgotten by now. */
  firstAnswer(db: Connection, idempotencyKey: string): Promise<Appended | undefined>
  /** A stream's events in order, after a version, the newest shape of each. A stream that is not there has none. */
  readStream(
    db: Connection,
    stream: string,
    options?: { readonly after?: number; readonly limit?: number },
  ): Promise<StoredEvent<T>[]>
  /** Version of the stream's last event; 0 = there is none. */
  currentVersion(db: Connection, stream: string): Promise<number>
  /**
   * The topic's events by position, after one. Meant for one pass over what is there (audit, a copy): a transaction that
   * is still open can come in below a position that was read, so whoever follows reads the topic.
   */
  readAll(
    db: Connection,
    options?: { readonly after?: number; readonly limit?: number },
  ): Promise<StoredEvent<T>[]>
}

/** A row of events.events. */
export interface EventRow {
  readonly position: number
  readonly stream: string
  readonly version: number
  readonly event_id: string
  readonly type: string
  readonly schema_version: number
  readonly payload: Buffer
  readonly actor: string | null
  readonly causation: string | null
  readonly correlation: string | null
  readonly address: string | null
  readonly traceparent: string | null
  readonly recorded_at: Date
}

/** Of what is read at once unless the caller says. */
const defaultLimit = 1_000

const columns = sql.raw(
  'position, stream, version, event_id, type, schema_version, payload, actor, causation, correlation, address, traceparent, recorded_at',
)

/** The metadata of a row, without what was not given. */
export const metadataOf = (row: Omit<EventRow, 'payload'>): EventMetadata => ({
  ...(row.actor !== null && { actor: row.actor }),
  ...(row.causation !== null && { causation: row.causation }),
  ...(row.correlation !== null && { correlation: row.correlation }),
  ...(row.address !== null && { address: row.address }),
  ...(row.traceparent !== null && { traceparent: row.traceparent }),
})

const isConflict = (error: unknown): error is Error & { detail: string } =>
  error instanceof Error && 'code' in error && error.code === 'VZ409' && 'detail' in error

/** The error that the database's function raised, as ours. */
const toConflict = (error: unknown): unknown => {
  if (!isConflict(error)) return error
  const streams = JSON.parse(error.detail) as { stream: string; expected: number; current: number }[]
  const wrong = streams.find(({ expected, current }) => expected !== current) ?? streams[0]
  return wrong ? new VersionConflict(wrong.stream, wrong.expected, wrong.current, { cause: error }) : error
}

const versionAfter = ({ expectedVersion, events }: StreamAppend<Topic>): number =>
  expectedVersion + events.length

const assertAppends = (appends: readonly StreamAppend<Topic>[]): void => {
  if (new Set(appends.map(({ stream }) => stream)).size !== appends.length)
    throw new Error('an append names each stream once')
  if (appends.some(({ events }) => events.length === 0)) throw new Error('an append has at least one event')
}

/**
 * Forgets idempotency keys that were used so long ago that nobody repeats what they did. An append that uses one again
 * appends again.
 *
 * @returns how many
 */
export const pruneIdempotencyKeys = async (db: Connection, olderThanMs: number): Promise<number> => {
  const { numAffectedRows = 0n } = await sql`
    delete from events.idempotency_keys where recorded_at < now() - ${olderThanMs} * interval '1 ms'`.execute(
    db,
  )
  return Number(numAffectedRows)
}

/** Version of a stream's last event, 0 = there is none, as an expression: for a query that reads other things as well. */
export const currentVersionOf = (stream: string | RawBuilder<string>): RawBuilder<number> => sql`
  coalesce((select max(version) from events.events where stream = ${stream}), 0)`

/** Version of the last event of a stream that somebody (metadata.actor) made, 0 = none, as an expression. */
export const lastVersionBy = (
  stream: string | RawBuilder<string>,
  actor: string | RawBuilder<string>,
): RawBuilder<number> => sql`
  coalesce((select max(version) from events.events where stream = ${stream} and actor = ${actor}), 0)`

/** What decoding needs of a row. */
type EncodedRow = Pick<EventRow, 'type' | 'schema_version' | 'payload'>

const ids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** The ids that an event names, each once: in Avro an id is its text. The database's events.ids_in finds the same. */
const idsIn = (payload: Buffer): string[] => [...new Set(payload.toString('latin1').match(ids))]

/** Decodes rows into the newest shape. Asks the registry only for what a newer release has written. */
export const rowDecoder =
  <T extends Topic>(topic: T, codec: Codec) =>
  async (row: EncodedRow): Promise<RecordOf<T>> => {
    const stored = decodeStored(topic, row.type, row.schema_version, row.payload)
    if (stored !== undefined) return stored
    const decoded = codec.decode(topic, row.payload)
    if (!('unknownSchemaId' in decoded)) return decoded
    await codec.learn(topic, decoded.unknownSchemaId)
    const learnt = codec.decode(topic, row.payload)
    if ('unknownSchemaId' in learnt) throw new Error(`schema ${learnt.unknownSchemaId} was not learnt`)
    return learnt
  }

/** @param codec encodes what is appended; asked only for schemas that are newer than this process's when reading */
export const eventStore = <T extends Topic>({
  topic,
  codec,
}: {
  readonly topic: T
  readonly codec: Codec
}): EventStore<T> => {
  const decode = rowDecoder(topic, codec)

  const toEvents = async (rows: readonly EventRow[]): Promise<StoredEvent<T>[]> => {
    const events: StoredEvent<T>[] = []
    for (const row of rows)
      events.push({
        ...(await decode(row)),
        id: row.event_id,
        stream: row.stream,
        version: row.version,
        position: row.position,
        schemaVersion: row.schema_version,
        recordedAt: row.recorded_at,
        metadata: metadataOf(row),
      })
    return events
  }

  const appendAll: EventStore<T>['appendAll'] = async (db, appends, options = {}) => {
    if (appends.length === 0) return []
    assertAppends(appends)
    const { metadata = {}, idempotencyKey } = options
    const rows = appends.flatMap(({ stream, key, expectedVersion, events }) =>
      events.map((event, index) => ({
        stream,
        key,
        expectedVersion,
        event,
        version: expectedVersion + index + 1,
      })),
    )
    const payloads = rows.map(({ event: { type, value } }) => codec.encode(topic, type, value))
    const statement = sql<{
      replayed: boolean
      first_streams: string[]
      first_versions: string[]
    }>`
      select * from events.append(
        ${rows.map(({ stream }) => stream)}, ${rows.map(({ version }) => version)},
        ${rows.map(({ expectedVersion }) => expectedVersion)}, ${rows.map(({ event }) => event.id ?? randomUUID())},
        ${rows.map(({ event }) => event.type)}, ${rows.map(({ event }) => writtenVersion(event.type))},
        ${payloads}, ${rows.map(({ key }) => key)}, ${payloads.map((payload) => idsIn(payload).join())}, ${topic.name},
        ${metadata.actor ?? null}, ${metadata.causation ?? null}, ${metadata.correlation ?? null},
        ${metadata.address ?? null}, ${metadata.traceparent ?? null}, ${idempotencyKey ?? null})`
    const { rows: answers } = await statement.execute(db).catch((error: unknown) => {
      throw toConflict(error)
    })
    const [answer] = answers
    if (answer?.replayed !== true)
      return appends.map((append) => ({ version: versionAfter(append), replayed: false }))
    const first = new Map(answer.first_streams.map((stream, i) => [stream, Number(answer.first_versions[i])]))
    return appends.map(({ stream }) => {
      const version = first.get(stream)
      if (version === undefined || first.size !== appends.length)
        throw new IdempotencyKeyReused(`this idempotency key was used for ${[...first.keys()].join(', ')}`)
      return { version, replayed: true }
    })
  }

  return {
    topic,
    appendAll,

    async append(db, { metadata, idempotencyKey, ...append }) {
      const [appended] = await appendAll(db, [append], { ...(metadata && { metadata }), idempotencyKey })
      if (!appended) throw new Error('nothing was appended')
      return appended
    },

    async firstAnswer(db, idempotencyKey) {
      const { rows } = await sql<{ versions: string[] }>`
        select versions from events.idempotency_keys where key = ${idempotencyKey}`.execute(db)
      const version = rows[0]?.versions[0]
      return version === undefined ? undefined : { version: Number(version), replayed: true }
    },

    async readStream(db, stream, { after = 0, limit } = {}) {
      const { rows } = await sql<EventRow>`
        select ${columns} from events.events where stream = ${stream} and version > ${after}
        order by version limit ${limit ?? null}`.execute(db)
      return toEvents(rows)
    },

    async currentVersion(db, stream) {
      const { rows } = await sql<{ version: number }>`select ${currentVersionOf(stream)} as version`.execute(
        db,
      )
      return rows[0]?.version ?? 0
    },

    async readAll(db, { after = 0, limit = defaultLimit } = {}) {
      const { rows } = await sql<EventRow>`
        select ${columns} from events.events where position > ${after} and topic = ${topic.name}
        order by position limit ${limit}`.execute(db)
      return toEvents(rows)
    },
  }
}
