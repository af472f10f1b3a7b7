import { redisEnvironment } from '@veza/kit/redis'

/** The worker's own settings, for readEnv in whichever process it runs. */
export const cacheInvalidationEnvironment = { ...redisEnvironment } as const
