export { openUsers, type Users, type UsersCommon } from './open-users.ts'
export { type UsersSettings, usersEnvironment } from './settings.ts'
