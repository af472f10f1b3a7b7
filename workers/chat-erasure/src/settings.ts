import { chatStoreEnvironment } from '@veza/chat/store'

/** The worker's own settings, for readEnv in whichever process it runs. */
export const chatErasureEnvironment = chatStoreEnvironment
