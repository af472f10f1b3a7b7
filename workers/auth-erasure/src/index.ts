export { openAuthErasure } from './open-auth-erasure.ts'
export { authErasureEnvironment } from './settings.ts'
