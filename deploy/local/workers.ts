import { openAnalytics } from '@veza/analytics'
import { openAuthErasure } from '@veza/auth-erasure'
import { openCacheInvalidation } from '@veza/cache-invalidation'
import { openChatErasure } from '@veza/chat-erasure'
import { runWorkers } from '@veza/kit/worker'
import { openNotifications } from '@veza/notifications'
import { openOutboxRelay } from '@veza/outbox-relay'
import { openTracksErasure } from '@veza/tracks-erasure'
import { openTracksRelations } from '@veza/tracks-relations'
import { openUsersExports } from '@veza/users-exports'
import { openUsersProfiles } from '@veza/users-profiles'
import { openUsersViews } from '@veza/users-views'
import { environment } from './workers-settings.ts'

/**
 * The small workers in one process: the local shape of what are processes of their own. A worker more is a line here and its
 * settings in workers-settings.ts.
 */
await runWorkers('workers', environment, [
  openOutboxRelay,
  openAuthErasure,
  openChatErasure,
  openTracksErasure,
  openNotifications,
  openUsersViews,
  openUsersProfiles,
  openUsersExports,
  openTracksRelations,
  openAnalytics,
  openCacheInvalidation,
])
