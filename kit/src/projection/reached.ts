import { sql } from 'kysely'
import { type Connection } from '../events/index.ts'
import { pause } from '../kafka/index.ts'
import { tablesOf } from './schema.ts'

const pollMs = 20

/**
 * Waits until the read model has taken a stream's event of this version in, for a caller who wants to read what they have
 * just written. Gives false when it has not within the time: then answer with what there is.
 *
 * @param timeoutMs 2 s unless given
 */
export const hasReached = async (
  db: Connection,
  schema: string,
  { stream, version }: { readonly stream: string; readonly version: number },
  timeoutMs = 2_000,
): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const { rows } = await sql`
      select from ${tablesOf(schema).streams} where stream = ${stream} and version >= ${version}`.execute(db)
    if (rows.length > 0) return true
    if (performance.now() >= deadline) return false
    await pause(pollMs)
  }
}
