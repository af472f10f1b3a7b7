import { tracksStoreEnvironment } from '@veza/tracks/store'

/** The worker's own settings, for readEnv in whichever process it runs. */
export const tracksErasureEnvironment = tracksStoreEnvironment
