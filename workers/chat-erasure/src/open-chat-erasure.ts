import { openChatStore } from '@veza/chat/store'
import { type topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { type Producer } from '@veza/kit/kafka'
import { runErasure } from '@veza/kit/personal-data'
import { type HostedWorker, type WorkerCommon } from '@veza/kit/worker'
import { type chatErasureEnvironment } from './settings.ts'

/** What tests have of their own. */
export interface ChatErasureOverrides {
  readonly name?: string
  readonly topic?: typeof topics.usersEvents
  readonly producer?: Pick<Producer, 'sendAll' | 'close'>
}

/** Forgets in chat whom users has forgotten, on chat's migrated database. */
export const openChatErasure = (
  env: EnvironmentValues<typeof chatErasureEnvironment>,
  common: WorkerCommon,
  overrides: ChatErasureOverrides = {},
): HostedWorker => {
  const { name = 'chat-erasure', producer = common.kafka.producer() } = overrides
  const { log, codec } = common
  const store = openChatStore(env, { log, codec, producer, applicationName: name })
  return runErasure(store, { ...overrides, name }, common)
}
