import { duration, type EnvironmentValues, namedUrls, secret } from '@veza/kit/env'
import { usersStoreEnvironment } from '@veza/users/store'

/** The worker's settings, for readEnv in whichever process it runs. */
export const usersExportsEnvironment = {
  ...usersStoreEnvironment,
  USERS_EXPORT_SOURCES: namedUrls('other contexts that have data about people, and their internal APIs'),
  SERVICE_TOKEN: secret("what these contexts' internal APIs are shown"),
  USERS_EXPORT_KEPT: duration('how long an export may be fetched', '7d'),
} as const

/** Their values. */
export type UsersExportsSettings = EnvironmentValues<typeof usersExportsEnvironment>
