import { type Database } from '@veza/kit/postgres'
import { type PoolClient } from 'pg'
import { type Outcome } from '../domain/event.ts'
import { type Command } from '../domain/message.ts'
import { settle } from '../domain/settle.ts'
import { loadChunk, loadRefusals } from './chunk-load.ts'
import { storeChunk } from './chunk-store.ts'
import { createPolicies } from './policies.ts'
import { type ChatDatabase } from './schema.ts'

/** The rooms' histories, written by one chunk of commands at a time. */
export interface RoomLog {
  /**
   * Gives every command its one outcome, in order, in one transaction: it is stored when this resolves. A command that
   * has one already, from whatever run, gets that one again. Ids must be lower-case UUIDs. Rejects when the database
   * fails; then nothing of the chunk is stored, unless the connection was lost at the commit itself, and calling
   * again tells.
   */
  settle(commands: readonly Command[]): Promise<Outcome[]>
}

/** The outcomes, with those refusals replaced that another worker stored first. */
const withStoredRefusals = async (client: PoolClient, outcomes: readonly Outcome[]): Promise<Outcome[]> => {
  const ids = outcomes.flatMap((outcome) => (outcome.type === 'refused' ? [outcome.eventId] : []))
  const stored = await loadRefusals(client, ids)
  return outcomes.map((outcome) =>
    outcome.type === 'refused' ? { ...outcome, ...stored.get(outcome.eventId) } : outcome,
  )
}

/** `now` gives the time of a chunk's new outcomes. */
export const roomLog = (database: Database<ChatDatabase>, now = () => new Date()): RoomLog => {
  const policies = createPolicies(now)

  const settleOn = async (client: PoolClient, commands: readonly Command[]): Promise<Outcome[]> => {
    const stored = await loadChunk(client, commands, policies)
    const at = now()
    const settlement = settle(commands, stored, at)
    const { refusedElsewhere } = await storeChunk(client, settlement, at)
    return refusedElsewhere ? withStoredRefusals(client, settlement.outcomes) : settlement.outcomes
  }

  return {
    async settle(commands) {
      if (commands.length === 0) return []
      const client = await database.pool.connect()
      try {
        const outcomes = await settleOn(client, commands)
        client.release()
        return outcomes
      } catch (error) {
        // Closing the connection is what ends its transaction whatever state it is in.
        client.release(true)
        throw error
      }
    },
  }
}
