import { type EnvironmentValues } from '@veza/kit/env'
import { usersStoreEnvironment } from '@veza/users/store'

/** The worker's settings, for readEnv in whichever process it runs. */
export const usersProfilesEnvironment = { ...usersStoreEnvironment } as const

/** Their values. */
export type UsersProfilesSettings = EnvironmentValues<typeof usersProfilesEnvironment>
