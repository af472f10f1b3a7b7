export { openNotifications } from './open-notifications.ts'
export { notificationsEnvironment } from './settings.ts'
