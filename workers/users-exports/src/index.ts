export { openUsersExports } from './open-users-exports.ts'
export { type UsersExportsSettings, usersExportsEnvironment } from './settings.ts'
