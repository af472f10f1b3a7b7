export {
  type Aggregate,
  type AggregateOptions,
  type Executed,
  type Execution,
  type Loaded,
  aggregate,
} from './aggregate.ts'
export { beginAnew } from './begin-anew.ts'
export { IdempotencyKeyReused, VersionConflict } from './errors.ts'
export { createEventStore, renewEventStore } from './schema.ts'
export { type Snapshot, deleteSnapshots } from './snapshots.ts'
export { currentVersionOf, type EventStore, eventStore, lastVersionBy } from './store.ts'
export type * from './types.ts'
