import { keepInStep } from '../adapters/own-tables.ts'
import { type UsersDatabase } from '../adapters/schema.ts'
import { userStream } from '../adapters/streams.ts'
import { decide } from '../domain/user.ts'
import { type CommandDeps } from './deps.ts'

/**
 * Erases whom it is due for, some at a time. Several processes may do so at once: what one has done the others find done.
 *
 * @returns how many this call erased
 */
export const eraseDue =
  ({ db, streams, sealing, now }: Omit<CommandDeps, 'personal' | 'addresses'>, limit = 100) =>
  async (): Promise<number> => {
    const at = now()
    const due = await db
      .selectFrom('erasures')
      .select('user_id')
      .where('due_at', '<=', at)
      .orderBy('due_at')
      .limit(limit)
      .execute()
    let erased = 0
    for (const { user_id: userId } of due) {
      const { events } = await streams.user(userId).execute<UsersDatabase>(db, {
        stream: userStream(userId),
        key: userId,
        decide: (user) => decide({ type: 'erase' }, user, at),
        attempts: 3,
        metadata: { actor: 'users' },
        alongside: (trx, { events }) => keepInStep(trx, sealing, userId, events),
      })
      erased += events.length
    }
    return erased
  }
