import { sql } from 'kysely'
import { type Connection } from './types.ts'

/** How the state of long streams is kept. Snapshots are a cache: they may be deleted at any time. */
export interface Snapshot<State> {
  /** Number of the state's shape. A change of evolve or of the state takes another one: old snapshots are then ignored. */
  readonly shape: number
  /** One is taken whenever so many events more are in the stream. */
  readonly every: number
  /** The state as JSON. What it holds of a person has to be sealed, or its snapshots deleted when they are forgotten. */
  readonly write: (state: State) => unknown
  readonly read: (json: unknown) => State
}

/** Deletes the snapshots of streams, for instance when a person is forgotten. */
export const deleteSnapshots = async (db: Connection, streams: readonly string[]): Promise<void> => {
  await sql`delete from events.snapshots where stream = any(${streams}::text[])`.execute(db)
}

/** Finds and keeps the snapshots of one kind of stream. */
export const snapshotStore = <State>({ shape, every, write, read }: Snapshot<State>) => ({
  /** The newest one, if it is of our shape and not beyond the version. */
  async find(
    db: Connection,
    stream: string,
    upTo = Number.MAX_SAFE_INTEGER,
  ): Promise<{ state: State; version: number } | undefined> {
    const { rows } = await sql<{ version: number; state: unknown }>`
      select version, state from events.snapshots
      where stream = ${stream} and shape = ${shape} and version <= ${upTo}`.execute(db)
    const row = rows[0]
    return row && { state: read(row.state), version: row.version }
  },

  /** Keeps the state if the stream has come past a multiple of `every` since `before`. */
  async keep(
    db: Connection,
    stream: string,
    { state, version }: { state: State; version: number },
    before: number,
  ): Promise<void> {
    if (Math.floor(version / every) === Math.floor(before / every)) return
    await sql`
      insert into events.snapshots (stream, version, shape, state)
      values (${stream}, ${version}, ${shape}, ${JSON.stringify(write(state))}::jsonb)
      on conflict (stream) do update
        set version = excluded.version, shape = excluded.shape, state = excluded.state, taken_at = now()`.execute(
      db,
    )
  },
})
