import { authPartsEnvironment } from '@veza/auth/store'

/** The worker's own settings, for readEnv in whichever process it runs. */
export const authErasureEnvironment = authPartsEnvironment
