import { type EventMetadata } from '@veza/kit/events'
import { normaliseLine, limits } from '../domain/fields.ts'
import { decide } from '../domain/user.ts'
import { userStream } from '../adapters/streams.ts'
import { type CommandDeps } from './deps.ts'

/**
 * A profile for somebody who signed up. Does nothing where there is one, and nothing for whom is erased. Resolves to
 * whether it made one.
 */
export const createProfile =
  ({ db, streams, now }: Pick<CommandDeps, 'db' | 'streams' | 'now'>) =>
  async (
    { userId, displayName }: { userId: string; displayName: string },
    metadata: EventMetadata = {},
  ): Promise<boolean> => {
    const { events } = await streams.user(userId).execute(db, {
      stream: userStream(userId),
      key: userId,
      decide: (user) =>
        user.status === 'erased'
          ? []
          : decide(
              { type: 'create', displayName: normaliseLine(displayName, limits.displayName) ?? '?' },
              user,
              now(),
            ),
      attempts: 3,
      metadata,
    })
    return events.length > 0
  }
