import { type Topic } from '@veza/contracts'
import { type Kysely, type Transaction } from 'kysely'
import { beginAnew } from './begin-anew.ts'
import { VersionConflict } from './errors.ts'
import { type Snapshot, snapshotStore } from './snapshots.ts'
import { type EventStore } from './store.ts'
import { type AppendOptions, type Connection, type NewEvent, type StoredEvent } from './types.ts'

/** How a service's streams are folded: the domain's pure half, and the mapper between its events and the records. */
export interface AggregateOptions<T extends Topic, State, Event> {
  readonly store: EventStore<T>
  readonly initial: State
  readonly evolve: (state: State, event: Event) => State
  /** Records to domain events, in order. One record may be several or none. */
  readonly read: (events: readonly StoredEvent<T>[]) => readonly Event[] | Promise<readonly Event[]>
  /** Domain events to records: the service's adapters/publish.ts. */
  readonly write: (events: readonly Event[]) => readonly NewEvent<T>[] | Promise<readonly NewEvent<T>[]>
  /** For long streams: the state is kept every so many events, and only what follows is read. */
  readonly snapshot?: Snapshot<State>
}

/** A stream, folded. */
export interface Loaded<State> {
  readonly state: State
  /** 0 = the stream has no events. */
  readonly version: number
}

/** One command on one stream. */
export interface Execution<DB, State, Event> extends AppendOptions {
  readonly stream: string
  /** The key of the records in Kafka. */
  readonly key: string
  /** Throws the service's rejection, or gives what happens now: nothing when there is nothing to do. */
  readonly decide: (state: State, version: number) => readonly Event[] | Promise<readonly Event[]>
  /** Version that the caller saw (If-Match). Another one rejects VersionConflict, without another attempt. */
  readonly expectedVersion?: number | undefined
  /**
   * How often it is loaded and decided when others append meanwhile. 1 unless given. Ignored inside a transaction of the
   * caller's, which a conflict ends.
   */
  readonly attempts?: number
  /** Further rows of the same transaction: reservations, rows that must be there at once. Runs after the events, if any. */
  readonly alongside?: (trx: Kysely<DB>, executed: Executed<State, Event>) => Promise<void>
  /** Whether these events have anything alongside. One that has nothing costs one statement instead of a transaction. */
  readonly hasAlongside?: (events: readonly Event[]) => boolean
}

/** What a command came to. */
export interface Executed<State, Event> extends Loaded<State> {
  /** What was appended. */
  readonly events: readonly Event[]
  /** The idempotency key was used before: nothing was decided now, `version` and `state` are those of the first time. */
  readonly replayed: boolean
}

/** Loads, decides and appends. */
export interface Aggregate<T extends Topic, State, Event> {
  readonly store: EventStore<T>
  /** Up to a version, or all there is. */
  load(db: Connection, stream: string, upTo?: number): Promise<Loaded<State>>
  /**
   * Rejects what decide throws, VersionConflict, IdempotencyKeyReused, and the database's errors: in a transaction of the
   * caller's that had written before it saw the stream's last events, a serialization failure (isCollision) as well.
   */
  execute<DB>(
    db: Kysely<DB> | Transaction<DB>,
    execution: Execution<DB, State, Event>,
  ): Promise<Executed<State, Event>>
}

export const aggregate = <T extends Topic, State, Event>(
  options: AggregateOptions<T, State, Event>,
): Aggregate<T, State, Event> => {
  const { store, initial, evolve, read, write } = options
  const snapshots = options.snapshot && snapshotStore(options.snapshot)
  const fold = (state: State, events: readonly Event[]): State => events.reduce(evolve, state)

  const load: Aggregate<T, State, Event>['load'] = async (db, stream, upTo) => {
    const kept = (await snapshots?.find(db, stream, upTo)) ?? { state: initial, version: 0 }
    const limit = upTo === undefined ? undefined : Math.max(0, upTo - kept.version)
    const events = await store.readStream(db, stream, {
      after: kept.version,
      ...(limit !== undefined && { limit }),
    })
    return {
      state: fold(kept.state, await read(events)),
      version: events.at(-1)?.version ?? kept.version,
    }
  }

  const replay = async <DB>(
    db: Connection,
    { stream, idempotencyKey }: Pick<Execution<DB, State, Event>, 'stream' | 'idempotencyKey'>,
  ): Promise<Executed<State, Event> | undefined> => {
    if (idempotencyKey === undefined) return undefined
    const first = await store.firstAnswer(db, idempotencyKey)
    return first && { ...(await load(db, stream, first.version)), events: [], replayed: true }
  }

  const attempt = async <DB>(
    db: Kysely<DB>,
    execution: Execution<DB, State, Event>,
  ): Promise<Executed<State, Event>> => {
    const { stream, key, decide, expectedVersion, metadata, idempotencyKey } = execution
    // Before deciding: what the first one did may be why this one would be refused.
    const repeated = await replay(db, execution)
    if (repeated) return repeated
    const { state, version } = await load(db, stream)
    if (expectedVersion !== undefined && expectedVersion !== version)
      throw new VersionConflict(stream, expectedVersion, version)
    const decided = await decide(state, version)
    const events = decided.length === 0 ? [] : await write(decided)
    const alongside = execution.hasAlongside?.(decided) === false ? undefined : execution.alongside

    const commit = async (on: Kysely<DB>): Promise<Executed<State, Event>> => {
      const append = { stream, key, expectedVersion: version, events }
      const appended =
        events.length === 0
          ? { version, replayed: false }
          : await store.append(on, { ...append, ...(metadata && { metadata }), idempotencyKey })
      // Used by another request between our look and our append.
      if (appended.replayed)
        return { ...(await load(on, stream, appended.version)), events: [], replayed: true }
      const executed = {
        state: fold(state, decided),
        version: appended.version,
        events: decided,
        replayed: false,
      }
      if (events.length > 0) await snapshots?.keep(on, stream, executed, version)
      if (events.length > 0 && alongside) await alongside(on, executed)
      return executed
    }
    const isPlain = events.length === 0 || (alongside === undefined && snapshots === undefined)
    if (db.isTransaction || isPlain) return commit(db)
    return db.transaction().execute(commit)
  }

  return {
    store,
    load,
    execute(db, execution) {
      const { attempts = 1, expectedVersion } = execution
      const once = db.isTransaction || expectedVersion !== undefined
      return beginAnew(once ? 1 : attempts, () => attempt(db, execution))
    },
  }
}
