import { type Executed } from '@veza/kit/events'
import { type Kysely } from 'kysely'
import { keepInStep, keepsRows } from '../adapters/own-tables.ts'
import { type UsersDatabase } from '../adapters/schema.ts'
import { userStream } from '../adapters/streams.ts'
import { decide, evolve, type User, type UserCommand, type UserEvent } from '../domain/user.ts'
import { type Caller, type CommandDeps } from './deps.ts'

/** A person's profile after a command. */
export type ChangedUser = Executed<User, UserEvent>

const attempts = 4

/** Who asks, as events keep it: the address sealed under the asker's own key. */
export const metadataOf = ({ addresses }: Pick<CommandDeps, 'addresses'>, caller: Caller) =>
  addresses.seal(caller.metadata)

/**
 * Runs commands of a person on themselves, all or none. Somebody whose sign-up has not come here yet gets their profile
 * first, of what their access token says. Throws Rejection; rejects VersionConflict when `expectedVersion` is another.
 */
export const onUser =
  (deps: CommandDeps) =>
  async (
    caller: Caller,
    commands: readonly UserCommand[],
    options: {
      readonly expectedVersion?: number | undefined
      readonly alongside?: (trx: Kysely<UsersDatabase>, changed: ChangedUser) => Promise<void>
    } = {},
  ): Promise<ChangedUser> => {
    const { db, streams, sealing, now } = deps
    const at = now()
    const create = { type: 'create', displayName: caller.name } as const
    return streams.user(caller.userId).execute<UsersDatabase>(db, {
      stream: userStream(caller.userId),
      key: caller.userId,
      decide(user) {
        let state = user
        return [create, ...commands].flatMap((command) => {
          const events = decide(command, state, at)
          state = events.reduce(evolve, state)
          return events
        })
      },
      expectedVersion: options.expectedVersion,
      attempts,
      metadata: await metadataOf(deps, caller),
      idempotencyKey: caller.idempotencyKey,
      hasAlongside: (events) => options.alongside !== undefined || events.some(keepsRows),
      async alongside(trx, changed) {
        await keepInStep(trx, sealing, caller.userId, changed.events)
        await options.alongside?.(trx, changed)
      },
    })
  }
