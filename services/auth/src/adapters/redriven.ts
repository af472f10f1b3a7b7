import { type Kysely, sql } from 'kysely'
import { type AuthDatabase } from './database.ts'

/** By whom a dead letter was written to its topic again, and when. */
export interface Redriven {
  /** A user id, or `operator`. */
  readonly by: string
  readonly at: Date
}

/** Which of these dead letters were redriven, by stream. */
export const redrivenAmong = async (
  db: Kysely<AuthDatabase>,
  streams: readonly string[],
): Promise<ReadonlyMap<string, Redriven>> => {
  const { rows } = await sql<{ stream: string; actor: string; recorded_at: Date }>`
    select stream, actor, recorded_at from events.events
    where stream = any(${streams}) and version = 1`.execute(db)
  return new Map(rows.map(({ stream, actor, recorded_at }) => [stream, { by: actor, at: recorded_at }]))
}
