import { type Logger } from '@veza/kit/log'
import { replay, type ReplayOptions, type ReplayProgress } from '@veza/kit/projection'
import { openUsersStore } from '@veza/users/store'
import { usersViewsProjection } from './projection.ts'
import { type UsersViewsSettings } from './settings.ts'

/** Rebuilds users' views beside the live ones, and swaps the two. Rejects when it can't; nothing is changed then. */
export const replayUsersViews = async (
  settings: UsersViewsSettings,
  { log, ...options }: ReplayOptions & { readonly log: Logger },
): Promise<ReplayProgress> => {
  const store = openUsersStore(settings, { name: 'replay', poolSize: 4, codec: options.codec, log })
  try {
    return await replay(usersViewsProjection(store.personal), store.views, options)
  } finally {
    await store.close()
  }
}
