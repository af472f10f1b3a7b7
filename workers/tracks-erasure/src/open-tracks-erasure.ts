import { type topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { runErasure } from '@veza/kit/personal-data'
import { type HostedWorker, type WorkerCommon } from '@veza/kit/worker'
import { openTracksStore } from '@veza/tracks/store'
import { type tracksErasureEnvironment } from './settings.ts'

/** Forgets in tracks whom users has forgotten, on tracks' migrated database. @param overrides what tests have of their own */
export const openTracksErasure = (
  env: EnvironmentValues<typeof tracksErasureEnvironment>,
  common: WorkerCommon,
  overrides: { readonly name?: string; readonly topic?: typeof topics.usersEvents } = {},
): HostedWorker => {
  const { name = 'tracks-erasure' } = overrides
  const { log, codec } = common
  const store = openTracksStore(env, { log, codec, applicationName: name })
  return runErasure(store, { ...overrides, name }, common)
}
