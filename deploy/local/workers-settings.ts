import { analyticsEnvironment } from '@veza/analytics'
import { authErasureEnvironment } from '@veza/auth-erasure'
import { cacheInvalidationEnvironment } from '@veza/cache-invalidation'
import { chatErasureEnvironment } from '@veza/chat-erasure'
import { workersEnvironment } from '@veza/kit/worker'
import { notificationsEnvironment } from '@veza/notifications'
import { outboxRelayEnvironment } from '@veza/outbox-relay'
import { tracksErasureEnvironment } from '@veza/tracks-erasure'
import { tracksRelationsEnvironment } from '@veza/tracks-relations'
import { usersExportsEnvironment } from '@veza/users-exports'
import { usersProfilesEnvironment } from '@veza/users-profiles'
import { usersViewsEnvironment } from '@veza/users-views'

/** The settings of the process that hosts the small workers. */
export const environment = {
  ...workersEnvironment,
  ...outboxRelayEnvironment,
  ...authErasureEnvironment,
  ...chatErasureEnvironment,
  ...tracksErasureEnvironment,
  ...notificationsEnvironment,
  ...usersViewsEnvironment,
  ...usersProfilesEnvironment,
  ...usersExportsEnvironment,
  ...tracksRelationsEnvironment,
  ...analyticsEnvironment,
  ...cacheInvalidationEnvironment,
}
