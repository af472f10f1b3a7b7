import { type Changes, type Settings } from '../domain/user.ts'
import { type Caller, type CommandDeps } from './deps.ts'
import { type ChangedUser, onUser } from './on-user.ts'

/** Changes settings; what is undefined stays. Throws Rejection; rejects VersionConflict. */
export const changeSettings =
  (deps: CommandDeps) =>
  (caller: Caller, settings: Changes<Settings>, expectedVersion: number | undefined): Promise<ChangedUser> =>
    onUser(deps)(caller, [{ type: 'change-settings', settings }], { expectedVersion })
