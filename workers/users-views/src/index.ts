export { openUsersViews } from './open-users-views.ts'
export { replayUsersViews } from './replay-users-views.ts'
export { type UsersViewsSettings, usersViewsEnvironment } from './settings.ts'
