import { duration, type EnvironmentValues, integer, secret, url } from '@veza/kit/env'
import { idempotencyEnvironment } from '@veza/kit/http'
import { keyEncryptionEnvironment } from '@veza/kit/sealing'

/** The settings of whoever opens users' data: the service, and the workers of its context. */
export const usersStoreEnvironment = {
  ...keyEncryptionEnvironment,
  USERS_DATABASE_URL: url("users' PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
} as const

/** Their values. */
export type UsersStoreSettings = EnvironmentValues<typeof usersStoreEnvironment>

/** The settings of users, for readEnv in whichever process it runs. */
export const usersEnvironment = {
  ...usersStoreEnvironment,
  SERVICE_TOKEN: secret('what other processes of Veza show to the internal API'),
  ...idempotencyEnvironment,
  USERS_DATABASE_CONNECTIONS: integer('connections to the database at most', 10, { min: 1, max: 100 }),
  USERS_ERASURE_GRACE: duration(
    'how long somebody may take back that they want to be forgotten; 0s = not at all',
    '0s',
  ),
  USERS_ERASURE_SIGN_IN_WITHIN: duration(
    'how long ago the sign-in may be of a session that asks for it',
    '1h',
  ),
  USERS_EXPORT_PAUSE: duration('how long after an export the next one may be asked for', '1h'),
} as const

/** Their values. */
export type UsersSettings = EnvironmentValues<typeof usersEnvironment>
