import { type Meter, type Tracer } from '@opentelemetry/api'
import { type Codec, type RecordOf, type Topic } from '@veza/contracts'
import { type Logger } from '../log/index.ts'
import {
  type ChunkControl,
  type ConsumedRecord,
  type Kafka,
  type KafkaLog,
  type Producer,
} from '../kafka/index.ts'

/** What became of a message. Throwing instead means that infrastructure failed: the chunk is tried again. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Nothing to do, on purpose. Counted, not logged as an error. */
  | { readonly kind: 'skip'; readonly reason: string }
  /** Never going to work: goes to the dead-letter topic. */
  | { readonly kind: 'dead'; readonly reason: string }

export type Message<T extends Topic> = RecordOf<T> & {
  readonly record: ConsumedRecord
  /** ce_id, or `<topic>/<partition>/<offset>` when the writer set none. Stable over redeliveries. */
  readonly id: string
  readonly traceparent: string | undefined
}

/** Outcomes in the order of the messages. A partition's messages are in order; a chunk mixes partitions. */
export type HandleChunk<T extends Topic> = (
  messages: readonly Message<T>[],
  control: ChunkControl,
) => Promise<readonly Outcome[]>

export type Handle<T extends Topic> = (message: Message<T>, control: ChunkControl) => Promise<Outcome>

/** A record on its way to the dead-letter topic. `message` is undefined when its bytes could not be decoded. */
export interface DeadRecord<T extends Topic> {
  readonly record: ConsumedRecord
  readonly message: Message<T> | undefined
  /** Class of the error (`PoisonRecord`, `TypeError`, …), `Dead` for the outcome `dead(reason)`. */
  readonly errorClass: string
  readonly reason: string
}

export interface WorkerSettings {
  /** Records of a chunk at most. Default 1,000. */
  readonly maxChunkRecords?: number
  /** Default 4 MiB. */
  readonly maxChunkBytes?: number
  /** Chunks that are under way, of other partitions each: see GroupOptions of kit/kafka. Default 1. */
  readonly chunksAtOnce?: number
  /** First pause after a failure; doubles, with jitter. Default 100 ms. */
  readonly retryMinMs?: number
  /** Longest pause. Default 10,000 ms. */
  readonly retryMaxMs?: number
  /** Failed attempts with `dependencies` healthy before the chunk is bisected. Default 5. */
  readonly attemptsBeforeBisect?: number
  /** Failing for longer than this makes /readyz red. Default 10,000 ms. */
  readonly notReadyAfterMs?: number
  /** Lag and no progress for longer than this makes /livez red. Default 120,000 ms. */
  readonly stalledAfterMs?: number
  /** Default 5,000 ms. */
  readonly lagIntervalMs?: number
  /** Wait at the end of the topics for the next chunk to be larger: see GroupOptions of kit/kafka. Default 0 ms. */
  readonly gatherMs?: number
  readonly commitIntervalMs?: number
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
}

/** The part of kit/internal's health that a worker reports to. */
export interface WorkerHealth {
  ready(name: string, check: () => string | undefined | Promise<string | undefined>): void
  live(name: string, check: () => string | undefined | Promise<string | undefined>): void
}

interface WorkerBase<T extends Topic> {
  /** Folder = consumer group = metric label. Its dead letters go to `<name>.dlq.v1`. */
  readonly name: string
  /** What no other process that lives has: see GroupOptions of kit/kafka. */
  readonly instance?: string
  readonly kafka: Kafka
  readonly codec: Codec
  readonly topics: readonly T[]
  readonly deadLetter: Producer
  /** Told before the record's offset is committed; throwing is infrastructure failure: it is called again. */
  readonly onDead?: (dead: DeadRecord<T>) => Promise<void>
  /** undefined = database, broker and whatever else the handler needs are fine, so a failure is the record's own. */
  readonly dependencies: () => Promise<string | undefined>
  readonly health: WorkerHealth
  readonly telemetry: { readonly tracer: Tracer; readonly meter: Meter }
  readonly log: KafkaLog
  readonly settings?: WorkerSettings
}

export type WorkerOptions<T extends Topic> = WorkerBase<T> &
  ({ readonly handleChunk: HandleChunk<T> } | { readonly handle: Handle<T> })

export interface Worker {
  /** Resolves when the first join is done. */
  readonly started: Promise<void>
  /** Finishes the chunk in flight, commits, leaves the group. Idempotent. */
  stop(): Promise<void>
  /** Resolves after stop(); rejects only when the worker could never start. */
  readonly finished: Promise<void>
}

/** What the process around a worker gives it, and closes after it. */
export interface WorkerCommon {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly health: WorkerHealth
  readonly telemetry: { readonly tracer: Tracer; readonly meter: Meter }
  readonly log: Logger
  /** What no other process that lives has, and the next one in its place has again; undefined: nobody can say. */
  readonly instance?: string
  /** Ends the process: the worker can't go on. */
  readonly fail: (error: unknown) => void
}

/** A worker in whichever process it runs, alone or beside others. */
export interface HostedWorker {
  readonly name: string
  /** Ends what is under way and closes what the worker opened. */
  stop(): Promise<void>
}
