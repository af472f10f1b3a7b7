import { isUniqueViolation } from '@veza/kit/postgres'
import { type Sealing } from '@veza/kit/sealing'
import { type Kysely } from 'kysely'
import { Rejection } from '../domain/rejection.ts'
import { type Profile, type UserEvent } from '../domain/user.ts'
import { type UsersDatabase } from './schema.ts'

type Trx = Kysely<UsersDatabase>

const keepHandle = async (trx: Trx, userId: string, { handle }: Profile): Promise<void> => {
  await trx.deleteFrom('handles').where('user_id', '=', userId).execute()
  if (handle === null) return
  try {
    await trx.insertInto('handles').values({ handle, user_id: userId }).execute()
  } catch (error) {
    if (isUniqueViolation(error, 'handles_pkey')) throw new Rejection('handle-taken')
    throw error
  }
}

/** All that users has of a person outside of events; with the data key, what is inside of them and of every copy too. */
const erasePerson = async (trx: Trx, sealing: Sealing, userId: string): Promise<void> => {
  for (const table of ['handles', 'avatars', 'exports', 'erasures'] as const)
    await trx.deleteFrom(table).where('user_id', '=', userId).execute()
  await sealing.erase(trx, userId)
}

/** Whether keepInStep has anything to do for an event. */
export const keepsRows = (event: UserEvent): boolean => {
  switch (event.type) {
    case 'profile-updated':
      return event.changed.includes('handle')
    case 'profile-created':
    case 'private-profile-updated':
    case 'privacy-changed':
    case 'settings-changed':
      return false
    default:
      return true
  }
}

/**
 * What has to be true at once with a person's events, in their transaction: who has which handle, what is due, what is
 * to be gathered, and what is gone. Throws Rejection `handle-taken`.
 */
export const keepInStep = async (
  trx: Trx,
  sealing: Sealing,
  userId: string,
  events: readonly UserEvent[],
): Promise<void> => {
  for (const event of events) {
    switch (event.type) {
      case 'profile-updated':
        if (event.changed.includes('handle')) await keepHandle(trx, userId, event.profile)
        break
      case 'avatar-changed':
        // A new picture's rows are stored by whoever has its bytes, after this.
        await trx.deleteFrom('avatars').where('user_id', '=', userId).execute()
        break
      case 'export-requested':
        await trx
          .insertInto('exports')
          .values({
            export_id: event.exportId,
            user_id: userId,
            state: 'queued',
            parts_done: 0,
            parts: 0,
            requested_at: event.at,
          })
          .execute()
        break
      case 'erasure-requested':
        await trx.insertInto('erasures').values({ user_id: userId, due_at: event.dueAt }).execute()
        break
      case 'erasure-cancelled':
        await trx.deleteFrom('erasures').where('user_id', '=', userId).execute()
        break
      case 'erased':
        await erasePerson(trx, sealing, userId)
        break
      case 'profile-created':
      case 'private-profile-updated':
      case 'privacy-changed':
      case 'settings-changed':
        break
      default:
        event satisfies never
    }
  }
}
