import { runWorkers } from '@veza/kit/worker'
import { openUsersProfiles, usersProfilesEnvironment } from './index.ts'

await runWorkers('users-profiles', usersProfilesEnvironment, [openUsersProfiles])
