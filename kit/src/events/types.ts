import { type RecordOf, type Topic } from '@veza/contracts'
import { type QueryExecutorProvider } from 'kysely'

/** A Kysely of any database, or a transaction of it. */
export type Connection = QueryExecutorProvider

/** Who did it and why: kept beside every event, for audit and traces. */
export interface EventMetadata {
  /** Who: a user's id, or the name of a worker. */
  readonly actor?: string | undefined
  /** Id of the event or command that this follows from. */
  readonly causation?: string | undefined
  /** The same for everything that one request set off: its trace id, 32 hexadecimal digits. */
  readonly correlation?: string | undefined
  /** From where: the client's network address, as the service chooses to keep it (plain or sealed). */
  readonly address?: string | undefined
  /** W3C Trace Context of the span that wrote it. */
  readonly traceparent?: string | undefined
}

/** An event to be appended: a record that the topic carries. */
export type NewEvent<T extends Topic> = RecordOf<T> & {
  /** UUID, becomes ce_id. Random unless given. */
  readonly id?: string
}

/** An event as it lies in its stream, its value in the newest version's shape. */
export type StoredEvent<T extends Topic> = RecordOf<T> & {
  /** UUID, the ce_id in Kafka. */
  readonly id: string
  readonly stream: string
  /** From 1, dense in its stream. */
  readonly version: number
  /**
   * Unique in the database. Rises within a stream; over streams it is the order of the appends, not of their commits.
   */
  readonly position: number
  /** Version of the schema that it was written with. */
  readonly schemaVersion: number
  readonly recordedAt: Date
  readonly metadata: EventMetadata
}

/** Events for the end of one stream. */
export interface StreamAppend<T extends Topic> {
  /** Such as `account-<id>`; 1 to 200 characters. */
  readonly stream: string
  /** The key of their records in Kafka. Records of one key keep their order. */
  readonly key: string
  /** Version of the stream's last event that the writer has seen; 0 = the stream is new. */
  readonly expectedVersion: number
  /** At least one. */
  readonly events: readonly NewEvent<T>[]
}

/** How an append is made. */
export interface AppendOptions {
  readonly metadata?: EventMetadata
  /** Unique in the database, so put who uses it in front. The first append that uses it is the only one. */
  readonly idempotencyKey?: string | undefined
}

/** What an append came to. */
export interface Appended {
  /** Version of the stream's last appended event. */
  readonly version: number
  /** The idempotency key was used before: nothing was appended now, and `version` is the first append's. */
  readonly replayed: boolean
}
