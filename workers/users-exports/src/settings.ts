import { duration, type EnvironmentValues, list, secret } from '@veza/kit/env'
import { usersStoreEnvironment } from '@veza/users/store'

/** The worker's settings, for readEnv in whichever process it runs. */
export const usersExportsEnvironment = {
  ...usersStoreEnvironment,
  USERS_EXPORT_SOURCES: list(
    'other contexts that have data about people, each with its internal API: chat=http://127.0.0.1:9080',
    [],
  ),
  SERVICE_TOKEN: secret("what these contexts' internal APIs are shown"),
  USERS_EXPORT_KEPT: duration('how long an export may be fetched', '7d'),
} as const

/** Their values. */
export type UsersExportsSettings = EnvironmentValues<typeof usersExportsEnvironment>
