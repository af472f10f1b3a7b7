import { type EnvironmentValues, duration, integer, number, secret, url } from '@veza/kit/env'
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
  COMMAND_RATE: number('what a user may change in chat by HTTP a second', 50, { min: 0.1 }),
  COMMAND_BURST: integer('and at once; beyond it 429', 500, { min: 1 }),
  COMMAND_RATE_USERS: integer('users whose rate is remembered', 100_000, { min: 1 }),
  CHAT_POST_TIMEOUT: duration('how long a post may wait for Kafka before it is answered 503', '5s'),
} as const

/** Their values. */
export type ChatSettings = EnvironmentValues<typeof chatEnvironment>
