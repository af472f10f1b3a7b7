import { type EnvironmentValues, secret, url } from '@veza/kit/env'
import { usersStoreEnvironment } from '@veza/users/store'

/** The worker's settings, for readEnv in whichever process it runs. */
export const usersProfilesEnvironment = {
  ...usersStoreEnvironment,
  AUTH_INTERNAL_URL: url("auth's internal API"),
  SERVICE_TOKEN: secret("what other contexts' internal APIs are shown"),
} as const

/** Their values. */
export type UsersProfilesSettings = EnvironmentValues<typeof usersProfilesEnvironment>
