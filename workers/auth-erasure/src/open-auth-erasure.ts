import { openAuthStore } from '@veza/auth/store'
import { type topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { runErasure } from '@veza/kit/personal-data'
import { type HostedWorker, type WorkerCommon } from '@veza/kit/worker'
import { type authErasureEnvironment } from './settings.ts'

/**
 * Forgets in auth whom users has forgotten, on auth's migrated database. Rejects EnvironmentError when no key that is given
 * opens it.
 *
 * @param overrides what tests have of their own
 */
export const openAuthErasure = async (
  env: EnvironmentValues<typeof authErasureEnvironment>,
  common: WorkerCommon,
  overrides: { readonly name?: string; readonly topic?: typeof topics.usersEvents } = {},
): Promise<HostedWorker> => {
  const { name = 'auth-erasure' } = overrides
  const { log, codec } = common
  const store = await openAuthStore(env, { log, codec, applicationName: name })
  return runErasure(store, { ...overrides, name }, common)
}
