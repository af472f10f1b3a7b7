export { openUsersProfiles } from './open-users-profiles.ts'
export { type UsersProfilesSettings, usersProfilesEnvironment } from './settings.ts'
