export { type Auth, type AuthCommon, openAuth } from './open-auth.ts'
export { type AuthOperations, openAuthOperations } from './operations.ts'
export { type AuthSettings, authEnvironment, authPartsEnvironment } from './settings.ts'
