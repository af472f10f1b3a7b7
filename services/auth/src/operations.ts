import { type Codec } from '@veza/contracts'
import { type Logger } from '@veza/kit/log'
import { type VersionedRoles, grantRole } from './commands/change-roles.ts'
import { type ImportReport, importUsers } from './commands/import-users.ts'
import { type RebuiltAccounts, rebuildAccounts } from './commands/rebuild-accounts.ts'
import { redriveAsOperator, type Road } from './commands/redrive.ts'
import { type Role } from './domain/account.ts'
import { type DeadLetterPlace } from './domain/dead-letter.ts'
import { openParts, type PartsSettings } from './open-parts.ts'

/** What operators do to accounts from a command line. */
export interface AuthOperations {
  /** Gives a role to whoever has an address. Rejects Rejection `no-such-account`. */
  grantRole(input: { email: string; role: Role }): Promise<VersionedRoles & { userId: string }>
  /** See commands/import-users.ts. */
  importUsers(...of: Parameters<ReturnType<typeof importUsers>>): Promise<ImportReport>
  /** See commands/rebuild-accounts.ts. */
  rebuildAccounts(...of: Parameters<ReturnType<typeof rebuildAccounts>>): Promise<RebuiltAccounts>
  /** See commands/redrive.ts. Rejects Rejection `no-such-dead-letter` and `already-redriven`. */
  redrive(place: DeadLetterPlace, road: Road): Promise<void>
  close(): Promise<void>
}

/** Rejects EnvironmentError when no key that is given opens what is sealed in the database. */
export const openAuthOperations = async (
  settings: PartsSettings,
  { log, codec, now = () => new Date() }: { log: Logger; codec: Codec; now?: () => Date },
): Promise<AuthOperations> => {
  const parts = await openParts(settings, { log, codec, applicationName: 'auth-operations', poolSize: 2 })
  const { database, streams, personal, index } = parts
  const deps = { db: database.db, streams, personal, index, now }
  return {
    grantRole: grantRole(deps),
    importUsers: importUsers(deps),
    rebuildAccounts: rebuildAccounts(deps),
    redrive: (place, road) => redriveAsOperator({ ...deps, ...road })(place),
    close: () => parts.close(),
  }
}
