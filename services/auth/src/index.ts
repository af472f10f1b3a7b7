export { type Auth, type AuthCommon, openAuth } from './open-auth.ts'
export { type AuthSettings, authEnvironment } from './settings.ts'
