import { type EnvironmentValues, duration, integer, secret, url } from '@veza/kit/env'
import { idempotencyEnvironment } from '@veza/kit/http'
import { keyEncryptionEnvironment } from '@veza/kit/sealing'

/** The settings of whoever opens chat's database and what is sealed in it. */
export const chatStoreEnvironment = {
  ...keyEncryptionEnvironment,
  CHAT_DATABASE_URL: url("chat's PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
} as const

/** The settings of chat, for readEnv in whichever process it runs. */
export const chatEnvironment = {
  ...chatStoreEnvironment,
  ...idempotencyEnvironment,
  SERVICE_TOKEN: secret('what other processes of Veza show to the internal API'),
  CHAT_DATABASE_CONNECTIONS: integer('connections to the database at most', 10, { min: 1, max: 100 }),
  CHAT_POST_TIMEOUT: duration('how long a post may wait for Kafka before it is answered 503', '5s'),
} as const

/** Their values. */
export type ChatSettings = EnvironmentValues<typeof chatEnvironment>
