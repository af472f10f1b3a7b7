import { runWorkers } from '@veza/kit/worker'
import { openUsersExports, usersExportsEnvironment } from './index.ts'

await runWorkers('users-exports', usersExportsEnvironment, [openUsersExports])
