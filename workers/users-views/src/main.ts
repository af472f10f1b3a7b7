import { runWorkers } from '@veza/kit/worker'
import { openUsersViews, usersViewsEnvironment } from './index.ts'

await runWorkers('users-views', usersViewsEnvironment, [openUsersViews])
