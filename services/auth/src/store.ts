import { type Codec } from '@veza/contracts'
import { type Logger } from '@veza/kit/log'
import { eraseAccount } from './commands/erase-account.ts'
import { openParts, type PartsSettings } from './open-parts.ts'

/** Auth's database, for the worker of its context. */
export interface AuthStore {
  /** See commands/erase-account.ts. */
  erase(userId: string, cause: { readonly actor: string; readonly causation: string }): Promise<void>
  /** undefined when well, otherwise what is wrong. */
  check(): Promise<string | undefined>
  close(): Promise<void>
}

export { authPartsEnvironment } from './settings.ts'

/** Rejects EnvironmentError when no key that is given opens what is sealed there. */
export const openAuthStore = async (
  settings: PartsSettings,
  {
    log,
    codec,
    applicationName,
    now = () => new Date(),
  }: {
    log: Logger
    codec: Codec
    applicationName: string
    now?: () => Date
  },
): Promise<AuthStore> => {
  const parts = await openParts(settings, { log, codec, applicationName, poolSize: 2 })
  const { database, streams, sealing } = parts
  return {
    erase: eraseAccount({ db: database.db, streams, sealing, now }),
    check: () => database.check(),
    close: () => parts.close(),
  }
}
