import { duration, url } from '@veza/kit/env'

/** The worker's own settings, for readEnv in whichever process it runs. */
export const notificationsEnvironment = {
  CHAT_DATABASE_URL: url("chat's PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
  NOTIFICATIONS_KEPT: duration('how long what users were told can be recovered', '30d'),
} as const
