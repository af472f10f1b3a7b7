import { type Caller, type CommandDeps } from './deps.ts'
import { type ChangedUser, onUser } from './on-user.ts'

/** Takes the wish to be forgotten back, before it is due. Throws Rejection. */
export const cancelErasure =
  (deps: CommandDeps) =>
  (caller: Caller): Promise<ChangedUser> =>
    onUser(deps)(caller, [{ type: 'cancel-erasure' }])
