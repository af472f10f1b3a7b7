import { type EnvironmentValues } from '@veza/kit/env'
import { usersStoreEnvironment } from '@veza/users/store'

/** The worker's settings, for readEnv in whichever process it runs. */
export const usersViewsEnvironment = { ...usersStoreEnvironment } as const

/** Their values. */
export type UsersViewsSettings = EnvironmentValues<typeof usersViewsEnvironment>
