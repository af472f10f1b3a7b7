import { type Meter } from '@opentelemetry/api'

/** The part of a pino logger that the Kafka port writes to. */
export interface KafkaLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A record to be produced. The key decides the partition (murmur2, as the Java client has it). */
export interface OutgoingRecord {
  readonly topic: string
  readonly key: string | Buffer | null
  /** null = a tombstone. */
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string | Buffer>>
}

/** A record as it lies in its partition. */
export interface ConsumedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Epoch milliseconds, as the broker has it. */
  readonly timestamp: number
  /** The key's bytes read as UTF-8. */
  readonly key: string | null
  /** The key as it was written. Left out only by those who make records by hand. */
  readonly keyBytes?: Buffer | null
  /** null = a tombstone. */
  readonly value: Buffer | null
  /** A header that was written more than once shows its last value. */
  readonly headers: Readonly<Record<string, Buffer | undefined>>
}

export interface ProducerSettings {
  /** Unsent and unacknowledged records that may wait here; beyond it `send` rejects QueueFull. Default 100,000. */
  readonly maxQueuedRecords?: number
  /** The same in bytes of key, value and headers. Default 64 MiB. */
  readonly maxQueuedBytes?: number
  /** Records of one produce request at most. Default 1,000. */
  readonly maxBatchRecords?: number
  /** Bytes of one produce request at most; keep it below the broker's `message.max.bytes`. Default 900,000. */
  readonly maxBatchBytes?: number
  /** From a batch's first send to giving up on it. Default 120,000 ms. */
  readonly deliveryTimeoutMs?: number
  /** How long one produce request may stay unanswered. Default 10,000 ms. */
  readonly requestTimeoutMs?: number
  /**
   * How long a record waits for others to share its request, which costs what many records do, here and at the broker.
   * Default 2 ms; 0 for whoever sends what it has gathered already and waits for it.
   */
  readonly lingerMs?: number
}

/**
 * Idempotent, acks=all, one request in flight. What arrives meanwhile goes into the next request, so batches grow with
 * the load. Records of one key arrive in the order of the `send` calls. After a lost response a batch is sent
 * again, so a record can stand in its topic twice (next to each other's batch, never reordered past a later one
 * that was acknowledged): readers deduplicate by `ce_id`.
 */
export interface Producer {
  /**
   * Resolves when the record is acknowledged by all in-sync replicas; records of one batch share the promise.
   * Rejects ProduceFailed, or QueueFull at once.
   */
  send(record: OutgoingRecord): Promise<void>
  /** All or none are queued, in this order. Resolves when all are acknowledged, rejects with the first failure. */
  sendAll(records: readonly OutgoingRecord[]): Promise<void>
  /** False from a failed send until one succeeds again. */
  readonly healthy: boolean
  /** Sends what is queued, then disconnects. `send` rejects `closed` from now on. */
  close(): Promise<void>
}

export interface ChunkControl {
  /** Aborts when the consumer stops or the group rebalances: finish or give up soon, what is not done comes again. */
  readonly signal: AbortSignal
  /** False once another member may have been given the record's partition. */
  stillMine(record: Pick<ConsumedRecord, 'topic' | 'partition'>): boolean
}

export interface GroupOptions {
  readonly groupId: string
  /**
   * What no other process that lives has, such as host and port of a listener: then a member of this name that is still
   * in the group can only be a predecessor that was killed, and its partitions are taken over at once rather than at the
   * end of its session. Operators see it as the member's client id.
   */
  readonly instance?: string
  readonly topics: readonly string[]
  /** Where a group without committed offsets starts. */
  readonly fromBeginning: boolean
  /**
   * For a group that is one reader's own: the offset that each partition begins at, by topic and partition in order.
   * Where it is then is remembered here, not by the group.
   */
  readonly startAt?: Readonly<Record<string, readonly number[]>>
  /**
   * Called with what its partitions delivered meanwhile, each partition's records in order, one call at a time unless
   * `chunksAtOnce` says otherwise. Offsets are committed after it resolves. A rejection is logged and the same records come again after a pause.
   */
  readonly onChunk: (chunk: ConsumedRecord[], control: ChunkControl) => Promise<void>
  /**
   * How many calls may be under way, each with records of partitions that no other has: for whoever has work to do while the
   * database has a chunk. Default 1.
   */
  readonly chunksAtOnce?: number
  /** Default 1,000. */
  readonly maxChunkRecords?: number
  /** Bytes of keys and values. Default 4 MiB. */
  readonly maxChunkBytes?: number
  /**
   * From the end of a chunk that was all there was to the next fetch. A topic with some events a second is otherwise read
   * event by event, and each costs a fetch, a transaction and a trace of its own. Where the broker had more than it
   * answered there is no wait. Default 0: for whoever is waited for.
   */
  readonly gatherMs?: number
  /** Default 250 ms. */
  readonly commitIntervalMs?: number
  /**
   * Default 10,000 ms: how long the partitions of a member that was killed, or whose broker was, stay unread. Heartbeats
   * go out at a tenth of it.
   */
  readonly sessionTimeoutMs?: number
  /** How long the group waits for members to finish their chunks on a rebalance. Default 60,000 ms. */
  readonly rebalanceTimeoutMs?: number
}

export interface TailOptions {
  readonly topics: readonly string[]
  /** Offsets to begin at, by `<topic>/<partition>`; a partition that is not named begins at its end, as all do at `end`. */
  readonly from: 'end' | ReadonlyMap<string, number>
  /** Hot and synchronous; one partition's records in order, without a gap, repeated only after a reconnect. */
  readonly onRecords: (records: ConsumedRecord[]) => void
  /** After every (re)join, before the first records that follow it: what was missed while away comes after it. */
  readonly onJoin?: () => void
  /** Default 10,000 ms. */
  readonly sessionTimeoutMs?: number
  /**
   * From an answer with records to the next fetch. Without it a busy topic is fetched record by record, and a fetch costs
   * what a hundred records do, here and at the broker. Default 2 ms.
   */
  readonly gatherMs?: number
}

export type ConsumeOptions = GroupOptions | TailOptions

export interface Consumer {
  /** Joined and fetching. False while it reconnects or rejoins. */
  readonly healthy: boolean
  /** When the broker last answered a fetch, epoch milliseconds. */
  readonly lastFetchAt: number
  /** Group: finishes the chunk in flight, commits, leaves. Tail: leaves and deletes its group. Idempotent. */
  stop(): Promise<void>
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly replication: number
  /** The broker's names: `retention.ms`, `cleanup.policy`, … */
  readonly config: Readonly<Record<string, string>>
}

/** The records that a partition holds: from the first one kept to the one that is yet to be written. */
export interface OffsetRange {
  readonly first: number
  readonly end: number
}

/** A consumer group as the brokers know it. */
export interface GroupState {
  readonly group: string
  /** The broker's word: `Stable`, `Empty` (nobody reads), `PreparingRebalance`, `CompletingRebalance`, `Dead`. */
  readonly state: string
  readonly members: number
  /** Of the topics that it has committed offsets of: the records that it has yet to commit. */
  readonly topics: readonly { readonly topic: string; readonly lag: number }[]
}

export interface Admin {
  /** Creates those that are missing and waits until they have leaders. Resolves to the names that it created. */
  createTopics(topics: readonly NewTopic[]): Promise<string[]>
  /** Topics that don't exist are skipped. */
  deleteTopics(names: readonly string[]): Promise<void>
  /** Topic names that exist, the broker's own left out. */
  listTopics(): Promise<string[]>
  /** Committed or not, the next offset to be written, by partition. */
  endOffsets(topic: string): Promise<number[]>
  /** What each partition holds. */
  offsetRanges(topic: string): Promise<OffsetRange[]>
  /** By partition, the first record that the broker got at this time or later (epoch milliseconds); the end if there is none. */
  offsetsAt(topic: string, time: number): Promise<number[]>
  /** The same of several topics; topics that don't exist are left out. */
  rangesOf(topics: readonly string[]): Promise<ReadonlyMap<string, readonly OffsetRange[]>>
  /** Every group, by name; those that edges tail with, and those that have read nothing yet, have no topics. */
  groups(): Promise<GroupState[]>
  /** The group's committed offset by partition; undefined = none yet. */
  committedOffsets(groupId: string, topic: string): Promise<(number | undefined)[]>
  /**
   * Records that the group has yet to commit, over all partitions (one without a commit counts from its first
   * record). Rejects when it cannot know: unknown is not 0.
   */
  lag(groupId: string, topics: readonly string[]): Promise<number>
  /** Groups that don't exist are skipped. */
  deleteGroups(groupIds: readonly string[]): Promise<void>
  /** undefined = the broker answers; otherwise what is wrong. */
  check(): Promise<string | undefined>
}

/** The port: everything that Veza needs of a Kafka client. */
export interface Kafka {
  producer(settings?: ProducerSettings): Producer
  /** Resolves when the consumer has joined; a tail is then positioned: whatever is produced afterwards is seen. */
  consume(options: ConsumeOptions): Promise<Consumer>
  readonly admin: Admin
  /** Stops consumers, flushes producers, disconnects. */
  close(): Promise<void>
}

export interface KafkaSettings {
  readonly clientId: string
  readonly log: KafkaLog
  readonly meter?: Meter
}
