import { runWorkers } from '@veza/kit/worker'
import { notificationsEnvironment, openNotifications } from './index.ts'

await runWorkers('notifications', notificationsEnvironment, [openNotifications])
